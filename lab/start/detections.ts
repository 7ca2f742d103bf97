import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMonitors, type Monitor } from 'alertproof'
import { type Pipeline, readPipeline } from 'alertproof/intake'
import { parseWebhook, type Webhook } from 'alertproof/notify'
import { loadRules, type SiemRule } from 'alertproof/siem'

export interface Detections {
  readonly monitors: readonly Monitor[]
  readonly rules: readonly SiemRule[]
  readonly webhooks: readonly Webhook[]
  readonly pipelines: readonly Pipeline[]
}

/**
 * Reads the files that are imported into Datadog: every `<slug>/monitor.json` and `<slug>/siem.json`, the `webhook.json` and
 * `siem-webhook.json` that they notify, and the optional `pipeline.json` that processes the logs.
 * @throws with all faults by file and place
 */
export async function loadDetections(dir: string): Promise<Detections> {
  const rules = await loadRules(dir)
  const files = ['webhook.json', ...(rules.length > 0 ? ['siem-webhook.json'] : [])].map((name) => join(dir, name))
  const webhooks = await Promise.all(files.map(async (file) => parseWebhook(await readFile(file, 'utf8'), file)))
  return { monitors: await loadMonitors(dir), rules, webhooks, pipelines: await loadPipelines(dir) }
}

async function loadPipelines(dir: string): Promise<Pipeline[]> {
  const file = join(dir, 'pipeline.json')
  try {
    return [readPipeline(await readFile(file, 'utf8'), file)]
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
