import { isDeepStrictEqual } from 'node:util'
import type { SearchMonitor } from 'alertproof'
import { policyFor } from '../../shared/containment/policy.ts'
import { RELEASE, REVOKED, TACTICS, TECHNIQUES } from './attack-matrix.ts'
import type { Report } from './finding.ts'
import { isUnauthenticated } from './query-rules.ts'

export const tagsOf = ({ tags }: Pick<SearchMonitor, 'tags'>, key: string): string[] =>
  tags.filter((tag) => tag.startsWith(`${key}:`)).map((tag) => tag.slice(key.length + 1))

/** Each option of a detection is in its file, because Datadog’s defaults are wrong for a detection. */
export function optionRules({ slug, options, parsed }: SearchMonitor, report: Report): void {
  const silence = parsed.operator.startsWith('<')
  const isRenewed = policyFor(slug)?.action === 'block_ip'
  const wanted: Readonly<Record<string, readonly [value: unknown, why: string]>> = {
    'thresholds.critical': [parsed.threshold, 'it is the number of the query'],
    new_group_delay: [0, 'otherwise Datadog ignores a new group for its first minute'],
    on_missing_data: silence
      ? ['default', 'silence is what this monitor reports, and "resolve" would make it OK']
      : ['resolve', 'otherwise a cardinality keeps its last status'],
    include_tags: [true, 'the title names the group that alerts'],
    enable_logs_sample: [true, 'a responder needs a log to begin with'],
    notify_audit: [false, 'a change of the file is reviewed where it is kept'],
    renotify_interval: isRenewed
      ? [10, 'each reminder renews the block, which lasts a quarter of an hour']
      : [0, 'nothing is renewed while the alert lasts'],
    ...(isRenewed && { renotify_statuses: [['alert'], 'only an alert renews its block'] }),
  }
  const { thresholds, ...others } = options
  const given: Readonly<Record<string, unknown>> = {
    ...Object.fromEntries(Object.entries(thresholds ?? {}).map(([name, value]) => [`thresholds.${name}`, value])),
    ...others,
  }
  for (const [name, [value, why]] of Object.entries(wanted)) {
    if (isDeepStrictEqual(given[name], value)) continue
    const what = given[name] === undefined ? 'is missing' : `is ${JSON.stringify(given[name])}`
    report(`options.${name}`, what, `set it to ${JSON.stringify(value)}: ${why}`)
  }
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && !Object.hasOwn(wanted, name)) {
      report(`options.${name}`, 'is an option that no detection has', 'remove it')
    }
  }
}

const HANDLE = /@webhook-([\w.-]+)/

/** The alert and its recovery must reach the webhook. @param webhook its name in webhook.json */
export function messageRules({ slug, message, tags }: SearchMonitor, webhook: string, report: Report): void {
  for (const condition of ['is_alert', 'is_recovery']) {
    const [, block] = new RegExp(`{{#${condition}}}(.*?){{/${condition}}}`, 's').exec(message) ?? []
    if (block === undefined || !HANDLE.test(block)) {
      report(
        'message',
        `has no handle in a {{#${condition}}} block`,
        `add {{#${condition}}} @webhook-${webhook} {{/${condition}}}`,
      )
    }
  }
  const outside = message.replace(/{{#is_(alert|recovery)}}[\s\S]*?{{\/is_\1}}/g, '')
  if (HANDLE.test(outside)) {
    report('message', 'has a handle outside of a block, which every transition notifies', 'move it into {{#is_alert}}')
  }
  for (const [, name] of message.matchAll(new RegExp(HANDLE, 'g'))) {
    if (name !== webhook)
      report('message', `@webhook-${name} is not the name in webhook.json`, `say @webhook-${webhook}`)
  }
  const [id] = tagsOf({ tags }, 'runbook')
  const runbook = `runbooks/${id}-${slug}.md`
  if (!message.includes(runbook))
    report('message', 'does not name its runbook', `say where a responder finds it: ${runbook}`)
}

const ONCE = ['detection', 'runbook', 'contain', 'managed-by', 'service', 'env']

/** What the webhook's receiver, the runbooks and a search in Datadog rely on. */
export function tagRules(monitor: SearchMonitor, report: Report): void {
  const { slug, parsed } = monitor
  for (const key of ONCE) {
    const count = tagsOf(monitor, key).length
    if (count !== 1) report('tags', `${count === 0 ? 'lack' : 'say more than once'} ${key}:`, 'say it exactly once')
  }
  if (tagsOf(monitor, 'detection').some((name) => name !== slug)) {
    report('tags', `detection:${tagsOf(monitor, 'detection')[0]} is not its folder`, `say detection:${slug}`)
  }
  const [contain] = tagsOf(monitor, 'contain')
  const [runbook = ''] = tagsOf(monitor, 'runbook')
  if (!/^ATO-\d{3}$/.test(runbook))
    report('tags', `runbook:${runbook} is not a runbook number`, 'write it as runbook:ATO-001')
  const policy = policyFor(slug)
  if (!policy) report('tags', `detection:${slug} has no policy`, 'add a row to shared/containment/policy.ts')
  else {
    if (contain !== policy.contain)
      report('tags', `contain:${contain} is not its policy`, `say contain:${policy.contain}`)
    const by = parsed.by.map(({ name }) => name)
    if (String(by) !== String(policy.groupBy)) {
      report(
        'query',
        `groups by ${by.join(', ') || 'nothing'}`,
        `group by what its policy says: ${policy.groupBy.join(', ') || 'no group'}`,
      )
    }
  }
  if ((contain === 'session' || contain === 'user') && isUnauthenticated(monitor)) {
    report(
      'tags',
      `contain:${contain}, and anybody can cause the events that it reads`,
      'say contain:ip or contain:none',
    )
  }
}

/** ATT&CK ids exist in the release that the table names, and each tactic is one that some technique serves. */
export function attackRules(monitor: SearchMonitor, report: Report): void {
  const tactics = tagsOf(monitor, 'tactic')
  const techniques = tagsOf(monitor, 'technique')
  if (tactics.length === 0) report('tags', 'lack tactic:', 'say which tactic, as TA0006')
  if (techniques.length === 0) report('tags', 'lack technique:', 'say which technique, as T1110.004')
  for (const id of tactics) {
    if (!Object.hasOwn(TACTICS, id)) report('tags', `tactic:${id} is not in our table of ${RELEASE}`, IN_TABLE)
    else if (!techniques.some((each) => TECHNIQUES[each]?.tactics.includes(id))) {
      report('tags', `tactic:${id} (${TACTICS[id]}) has no technique among the tags`, 'remove it, or add its technique')
    }
  }
  for (const id of techniques) {
    const technique = Object.hasOwn(TECHNIQUES, id) ? TECHNIQUES[id] : undefined
    const heir = Object.hasOwn(REVOKED, id) ? REVOKED[id] : undefined
    if (heir !== undefined) report('tags', `technique:${id} was revoked in ${RELEASE}`, `say technique:${heir}`)
    else if (!technique) report('tags', `technique:${id} is not in our table of ${RELEASE}`, IN_TABLE)
    else if (!technique.tactics.some((tactic) => tactics.includes(tactic))) {
      const names = technique.tactics.map((tactic) => `${tactic} ${TACTICS[tactic]}`).join(', ')
      report('tags', `technique:${id} (${technique.name}) has no tactic among the tags`, `add one of ${names}`)
    }
  }
}

const IN_TABLE = 'correct it, or add it to proof/lint/attack-matrix.ts with its source'
