import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MonitorError, readImportable, type SearchMonitor } from 'alertproof'
import type { SiemRule } from 'alertproof/siem'
import { detectionOfRule } from '../../shared/containment/policy.ts'
import { codeOf } from '../../shared/error.ts'
import { TACTICS, TECHNIQUES } from './attack-matrix.ts'
import type { Report } from './finding.ts'
import { tagsOf } from './rules.ts'

/**
 * A rule of Cloud SIEM detects what the monitor beside it does, says so in the terms of Cloud SIEM, and reaches the functions.
 * @param webhook its name in siem-webhook.json
 */
export async function siemRules(rule: SiemRule, webhook: string, report: Report): Promise<void> {
  reachRules(rule, webhook, report)
  const file = join(dirname(rule.file), 'monitor.json')
  const monitor = await readMonitorOf(file)
  if (!monitor) {
    report('', 'has no monitor beside it that can be read', `write ${file} first: the rule is proved by its cases`)
    return
  }
  parityRules(rule, monitor, report)
  const missing = siemTagsOf(monitor).filter((tag) => !rule.tags.includes(tag))
  const extra = rule.tags.filter((tag) => !siemTagsOf(monitor).includes(tag))
  for (const tag of missing) report('tags', `lack ${tag}`, 'say what the monitor says, in the spelling of Cloud SIEM')
  for (const tag of extra) report('tags', `say ${tag}`, 'remove it: neither the monitor nor Cloud SIEM has it')
  const runbook = `runbooks/${tagsOf(monitor, 'runbook')[0]}-${rule.slug}.md`
  if (!rule.message.includes(runbook)) report('message', 'does not name its runbook', `say where it is: ${runbook}`)
}

/** A signal has no tags: functions find its detection by the name of the rule. */
function reachRules({ name, slug, cases }: SiemRule, webhook: string, report: Report): void {
  if (detectionOfRule(name) !== slug)
    report('name', 'is not the one that functions know', 'write it into shared/containment/policy.ts too')
  for (const [i, { notifications }] of cases.entries()) {
    if (String(notifications) === `@webhook-${webhook}`) continue
    report(`cases[${i}].notifications`, 'do not reach functions, or others too', `say ["@webhook-${webhook}"]`)
  }
}

async function readMonitorOf(file: string): Promise<SearchMonitor | undefined> {
  try {
    return readImportable(await readFile(file, 'utf8'), file)
  } catch (error) {
    if (error instanceof MonitorError || codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** One query and one case, which count and ask what the monitor does. */
function parityRules(rule: SiemRule, { parsed }: SearchMonitor, report: Report): void {
  const [query, ...queries] = rule.queries
  const [each, ...cases] = rule.cases
  if (!query || !each) return
  if (queries.length > 0) report('queries', 'are more than the monitor has', 'say one')
  if (cases.length > 0) report('cases', 'are more than the monitor has', 'say one')
  const same = (place: string, is: unknown, wanted: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(wanted)) {
      report(place, `is ${JSON.stringify(is)}`, `say what the monitor does: ${JSON.stringify(wanted)}`)
    }
  }
  const counted = 'of' in parsed.rollup ? [parsed.rollup.of.name] : []
  const distinct = 'of' in query.rollup ? [query.rollup.of.name, ...(query.distinct ?? []).map(({ name }) => name)] : []
  same('queries[0].query', query.search, parsed.search)
  same('queries[0].aggregation', query.rollup.kind, parsed.rollup.kind)
  same('queries[0].distinctFields', distinct, counted)
  same(
    'queries[0].groupByFields',
    rule.groupNames,
    parsed.by.map(({ name }) => name),
  )
  same('cases[0].condition', each.text, `${query.alias} ${parsed.operator} ${parsed.threshold}`)
  same('options.evaluationWindow', rule.evaluationWindowMs / 1000, parsed.windowMs / 1000)
  if (query.optionalGroups)
    report('queries[0].hasOptionalGroupByFields', 'is true', 'say false: a subject must be named')
}

/** The tags of a monitor in the spelling of Cloud SIEM: `tactic:TA0006-credential-access`, `technique:T1110.004-credential-stuffing`. */
function siemTagsOf(monitor: SearchMonitor): string[] {
  const spelled = (tag: string): string => {
    const [key, id = ''] = tag.split(':')
    if (key === 'tactic') return `${tag}-${words(TACTICS[id] ?? '')}`
    return key === 'technique' ? `${tag}-${words((TECHNIQUES[id]?.name ?? '').replace(/^.*: /, ''))}` : tag
  }
  return ['source:mini-ato-saas', 'security:attack', ...monitor.tags.map(spelled)]
}

const words = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
