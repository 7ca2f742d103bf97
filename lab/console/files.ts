import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Monitor } from 'alertproof'
import type { SiemRule } from 'alertproof/siem'
import type { Routes } from '../datadog/http.ts'
import { sendError, sendText } from '../datadog/http.ts'
import { readSmallFile } from '../start/small-file.ts'
import type { Detector } from './api.ts'

/** Decides what is done about an alert. */
export const POLICY_FILE = 'shared/containment/policy.ts'
export const WEBHOOK_FILES: Readonly<Record<Detector, string>> = {
  monitor: 'detections/webhook.json',
  rule: 'detections/siem-webhook.json',
}

/** The files that a person may open: what decides, and what says what to do. Nothing below `.lab` is among them. */
const READABLE =
  /^(?:detections\/(?:[a-z0-9-]+\/)?(?:monitor|siem|webhook|siem-webhook|pipeline)\.json|runbooks\/[\w.-]+\.md|attacks\/[a-z0-9-]+\.ts|shared\/containment\/policy\.ts|web\/contain\/revoke\.ts)$/

/** The file of a monitor or rule, and its runbook. */
export function filesOf(by: Detector, { slug, tags }: Pick<Monitor | SiemRule, 'slug' | 'tags'>): string[] {
  const own = `detections/${slug}/${by === 'monitor' ? 'monitor' : 'siem'}.json`
  const runbook = tags.find((tag) => tag.startsWith('runbook:'))?.slice('runbook:'.length)
  const named = runbooks().filter((name) => runbook !== undefined && name.startsWith(`${runbook}-`))
  return [own, ...named.map((name) => `runbooks/${name}`)]
}

let read: readonly string[] | undefined
/** Their names do not change while the lab runs. A deployment without the documents has none. */
function runbooks(): readonly string[] {
  try {
    read ??= readdirSync(new URL('../../runbooks/', import.meta.url)).sort()
  } catch {
    read = []
  }
  return read
}

/**
 * `GET /lab/files?path=detections/session-reuse/monitor.json`: the text of a file that a trace or a monitor names.
 * @param root of the project
 * @param detections the folder that stands for `detections/`, such as the working copy of an exercise
 */
export const fileRoutes = (root: string, detections: string): Routes => ({
  'GET /lab/files': async (_request, response, query) => {
    const path = query.get('path') ?? ''
    if (!READABLE.test(path)) return sendError(response, 404, 'path must be one that a trace or a monitor names')
    const [folder = '', ...rest] = path.split('/')
    const file = folder === 'detections' ? join(detections, ...rest) : join(root, path)
    const text = await readSmallFile(file).catch(() => undefined)
    if (text === undefined) return sendError(response, 404, `${path} is not there`)
    sendText(response, text)
  },
})
