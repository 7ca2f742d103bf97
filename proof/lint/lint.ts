import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Monitor, MonitorError, readImportable } from 'alertproof'
import { parseTemplate, TemplateError } from 'alertproof/notify'
import { type Model, schemaFaults } from '../../detections/datadog-schema.ts'
import { companionRules, orphanRules } from './companions.ts'
import { documentRules } from './document-rules.ts'
import type { Finding, Tell, TellOf } from './finding.ts'
import { queryRules } from './query-rules.ts'
import { attackRules, messageRules, optionRules, tagRules, tagsOf } from './rules.ts'

export interface Linted {
  /** How many files were read. */
  readonly files: number
  readonly findings: readonly Finding[]
}

/** What each file is to Datadog, by its name. */
const MODELS: Readonly<Record<string, Model>> = {
  'monitor.json': 'Monitor',
  'webhook.json': 'WebhooksIntegration',
  'pipeline.json': 'LogsPipeline',
  'dashboard.json': 'Dashboard',
}

/**
 * Holds every JSON file below a folder to what Datadog takes, and every monitor to what a detection must be.
 * @param root the project, with the attacks and runbooks of the detections
 * @returns all findings of all files; none when it can be imported
 */
export async function lintDetections(dir: string, root: string): Promise<Linted> {
  const paths = (await readdir(dir, { recursive: true })).filter((path) => path.endsWith('.json')).sort()
  const webhook = await readWebhookName(join(dir, 'webhook.json'))
  const linted = await Promise.all(paths.map((path) => lintFile(join(dir, path), { webhook, root })))
  const findings = linted.flatMap((each) => each.findings)
  const tellOf = tellInto(findings)
  const runbooks = await readdir(join(root, 'runbooks'))
  copyRules(
    linted.flatMap(({ monitor }) => monitor ?? []),
    runbooks,
    tellOf,
  )
  await folderRules(dir, paths, tellOf)
  await orphanRules(root, tellOf)
  await documentRules(root, tellOf)
  return { files: paths.length, findings }
}

const tellInto =
  (findings: Finding[]): TellOf =>
  (file) =>
  (place, what, remedy) =>
    findings.push({ file, place, what, remedy })

/**
 * Two detections must differ. A copy is the fault of the later one: it has no runbook yet, or the runbook with the higher
 * number.
 */
function copyRules(monitors: readonly Monitor[], runbooks: readonly string[], tellOf: TellOf): void {
  const runbookOf = (monitor: Monitor) => `${tagsOf(monitor, 'runbook')[0]}-${monitor.slug}`
  const order = (monitor: Monitor) => {
    const runbook = runbookOf(monitor)
    return `${runbooks.includes(`${runbook}.md`) ? 0 : 1} ${runbook}`
  }
  const sorted = monitors.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
  for (const [i, monitor] of sorted.entries()) {
    for (const other of sorted.slice(0, i)) {
      for (const key of ['name', 'query', 'message'] as const) {
        if (monitor[key].replaceAll(runbookOf(monitor), runbookOf(other)) !== other[key]) continue
        tellOf(monitor.file)(key, `is that of ${other.slug}`, 'write it for this detection')
      }
    }
  }
}

/** Each folder below is a detection. */
async function folderRules(dir: string, paths: readonly string[], tellOf: TellOf): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (!entry.isDirectory() || paths.includes(join(entry.name, 'monitor.json'))) continue
    tellOf(join(dir, entry.name))(
      '',
      'has no monitor',
      `write ${join(dir, entry.name, 'monitor.json')}: copy a neighbour’s`,
    )
  }
}

interface Surroundings {
  readonly webhook: string
  readonly root: string
}

async function lintFile(
  file: string,
  surroundings: Surroundings,
): Promise<{ findings: Finding[]; monitor: Monitor | undefined }> {
  const findings: Finding[] = []
  const tellOf = tellInto(findings)
  const tell = tellOf(file)
  const text = await readFile(file, 'utf8')
  const model = MODELS[basename(file)]
  if (!model)
    tell('', 'is not a file that is imported', `call it ${Object.keys(MODELS).join(', ')}, or move it elsewhere`)
  const monitor = basename(file) === 'monitor.json' ? readStrictly(text, file, tell) : undefined
  const json = parsed(text, tell, findings.length > 0)
  if (model && json !== undefined) {
    for (const fault of schemaFaults(model, json)) {
      const [place = '', what = fault] = fault.split(/:\s(.*)/s)
      const known = findings.some((each) => each.place === place)
      if (!known) tell(place, what, 'Datadog’s own client does not know it: see its API reference')
    }
  }
  if (monitor) await lintMonitor(monitor, surroundings, tellOf)
  return { findings, monitor }
}

/** Reports what cannot be read; the rules apply to what can. */
function readStrictly(text: string, file: string, tell: Tell): Monitor | undefined {
  try {
    return readImportable(text, file)
  } catch (error) {
    if (!(error instanceof MonitorError)) throw error
    for (const { place, reason } of error.faults) tell(place, reason, 'correct it: Datadog refuses it, or ignores it')
    return undefined
  }
}

function parsed(text: string, tell: Tell, told: boolean): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!told) tell('', `is not JSON: ${(error as Error).message}`, 'correct it')
    return undefined
  }
}

async function lintMonitor(monitor: Monitor, { webhook, root }: Surroundings, tellOf: TellOf): Promise<void> {
  const tell = tellOf(monitor.file)
  queryRules(monitor, tell)
  optionRules(monitor, tell)
  messageRules(monitor, webhook, tell)
  templateRule(monitor, tell)
  tagRules(monitor, tell)
  attackRules(monitor, tell)
  await companionRules(monitor, root, tellOf)
}

function templateRule({ message }: Monitor, tell: Tell): void {
  try {
    parseTemplate(message)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    tell('message', error.message.replace(/^message, /, ''), 'see Datadog’s page monitors/notify/variables')
  }
}

async function readWebhookName(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  try {
    return String((JSON.parse(text) as { name?: unknown }).name)
  } catch {
    return `the one of ${basename(dirname(file))}/webhook.json`
  }
}
