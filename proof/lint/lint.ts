import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MonitorError, readImportable, type SearchMonitor } from 'alertproof'
import { parseTemplate, TemplateError } from 'alertproof/notify'
import { readImportableRule } from 'alertproof/siem'
import { type Model, schemaFaults } from '../../detections/datadog-schema.ts'
import { companionRules, orphanRules } from './companions.ts'
import { documentRules } from './document-rules.ts'
import type { Finding, Report, ReportIn } from './finding.ts'
import { queryRules } from './query-rules.ts'
import { attackRules, messageRules, optionRules, tagRules, tagsOf } from './rules.ts'
import { siemRules } from './siem-rules.ts'

export interface Linted {
  /** How many files were read. */
  readonly files: number
  readonly findings: readonly Finding[]
}

/** The model of Datadog that each file must satisfy, by its name. */
const MODELS: Readonly<Record<string, Model>> = {
  'monitor.json': 'Monitor',
  'webhook.json': 'WebhooksIntegration',
  'siem-webhook.json': 'WebhooksIntegration',
  'pipeline.json': 'LogsPipeline',
  'dashboard.json': 'Dashboard',
  'siem.json': 'SecurityMonitoringStandardRuleCreatePayload',
}

/**
 * Checks that Datadog accepts every JSON file below a folder, and that every monitor satisfies the rules of a detection.
 * @param root the project, with the attacks and runbooks of the detections
 * @returns all findings of all files; none when it can be imported
 */
export async function lintDetections(dir: string, root: string): Promise<Linted> {
  const paths = (await readdir(dir, { recursive: true })).filter((path) => path.endsWith('.json')).sort()
  const webhook = await readWebhookName(join(dir, 'webhook.json'))
  const siemWebhook = await readWebhookName(join(dir, 'siem-webhook.json'))
  const linted = await Promise.all(paths.map((path) => lintFile(join(dir, path), { webhook, siemWebhook, root })))
  const findings = linted.flatMap((each) => each.findings)
  const reportIn = reportInto(findings)
  const runbooks = await readdir(join(root, 'runbooks'))
  copyRules(
    linted.flatMap(({ monitor }) => monitor ?? []),
    runbooks,
    reportIn,
  )
  await folderRules(dir, paths, reportIn)
  await orphanRules(root, reportIn)
  await documentRules(root, reportIn)
  return { files: paths.length, findings }
}

const reportInto =
  (findings: Finding[]): ReportIn =>
  (file) =>
  (place, what, remedy) =>
    findings.push({ file, place, what, remedy })

/**
 * Two detections must differ. A copy is the fault of the later one: it has no runbook yet, or the runbook with the higher
 * number.
 */
function copyRules(monitors: readonly SearchMonitor[], runbooks: readonly string[], reportIn: ReportIn): void {
  const runbookOf = (monitor: SearchMonitor) => `${tagsOf(monitor, 'runbook')[0]}-${monitor.slug}`
  const order = (monitor: SearchMonitor) => {
    const runbook = runbookOf(monitor)
    return `${runbooks.includes(`${runbook}.md`) ? 0 : 1} ${runbook}`
  }
  const sorted = monitors.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
  for (const [i, monitor] of sorted.entries()) {
    for (const other of sorted.slice(0, i)) {
      for (const key of ['name', 'query', 'message'] as const) {
        if (monitor[key].replaceAll(runbookOf(monitor), runbookOf(other)) !== other[key]) continue
        reportIn(monitor.file)(key, `is that of ${other.slug}`, 'write it for this detection')
      }
    }
  }
}

/** Each folder must hold a detection. */
async function folderRules(dir: string, paths: readonly string[], reportIn: ReportIn): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (!entry.isDirectory() || paths.includes(join(entry.name, 'monitor.json'))) continue
    reportIn(join(dir, entry.name))(
      '',
      'has no monitor',
      `write ${join(dir, entry.name, 'monitor.json')}: copy a neighbour’s`,
    )
  }
}

interface Surroundings {
  /** The names of the webhooks that monitors and rules notify. */
  readonly webhook: string
  readonly siemWebhook: string
  readonly root: string
}

async function lintFile(
  file: string,
  surroundings: Surroundings,
): Promise<{ findings: Finding[]; monitor: SearchMonitor | undefined }> {
  const findings: Finding[] = []
  const reportIn = reportInto(findings)
  const report = reportIn(file)
  const text = await readFile(file, 'utf8')
  const model = MODELS[basename(file)]
  if (!model)
    report('', 'is not a file that is imported', `call it ${Object.keys(MODELS).join(', ')}, or move it elsewhere`)
  const monitor = basename(file) === 'monitor.json' ? readStrictly(text, file, report, readImportable) : undefined
  const json = parsed(text, report, findings.length > 0)
  if (model && json !== undefined) {
    for (const fault of schemaFaults(model, json)) {
      const [place = '', what = fault] = fault.split(/:\s(.*)/s)
      const known = findings.some((each) => each.place === place)
      if (!known) report(place, what, 'Datadog’s own client does not know it: see its API reference')
    }
  }
  if (monitor) await lintMonitor(monitor, surroundings, reportIn)
  const rule = basename(file) === 'siem.json' ? readStrictly(text, file, report, readImportableRule) : undefined
  if (rule) await siemRules(rule, surroundings.siemWebhook, report)
  return { findings, monitor }
}

/** Reports what cannot be read; the rules apply to what can. */
function readStrictly<T>(
  text: string,
  file: string,
  report: Report,
  read: (text: string, file: string) => T,
): T | undefined {
  try {
    return read(text, file)
  } catch (error) {
    if (!(error instanceof MonitorError)) throw error
    for (const { place, reason } of error.faults) report(place, reason, 'correct it: Datadog refuses it, or ignores it')
    return undefined
  }
}

/** @param isReported whether a fault was found in it before */
function parsed(text: string, report: Report, isReported: boolean): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!isReported) report('', `is not JSON: ${String(error)}`, 'correct it')
    return undefined
  }
}

async function lintMonitor(monitor: SearchMonitor, { webhook, root }: Surroundings, reportIn: ReportIn): Promise<void> {
  const report = reportIn(monitor.file)
  queryRules(monitor, report)
  optionRules(monitor, report)
  messageRules(monitor, webhook, report)
  templateRule(monitor, report)
  tagRules(monitor, report)
  attackRules(monitor, report)
  await companionRules(monitor, root, reportIn)
}

function templateRule({ message }: SearchMonitor, report: Report): void {
  try {
    parseTemplate(message)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    report('message', error.message.replace(/^message, /, ''), 'see Datadog’s page monitors/notify/variables')
  }
}

async function readWebhookName(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  try {
    const { name }: { name?: unknown } = JSON.parse(text)
    return String(name)
  } catch {
    return `the one of ${basename(dirname(file))}/${basename(file)}`
  }
}
