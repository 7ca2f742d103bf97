import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Monitor } from 'alertproof'
import { attackBySlug } from '../../attacks/index.ts'
import { type Profile, profiles } from '../../detections/profiles.ts'
import { policyFor } from '../../shared/containment/policy.ts'
import { RELEASE, REVOKED, TACTICS, TECHNIQUES } from './attack-matrix.ts'
import type { Tell } from './finding.ts'
import { isUnauthenticated } from './query-rules.ts'

export const tagsOf = ({ tags }: Pick<Monitor, 'tags'>, key: string): string[] =>
  tags.filter((tag) => tag.startsWith(`${key}:`)).map((tag) => tag.slice(key.length + 1))

/** What Datadog would fill in by itself, and wrongly for a detection. */
export function optionRules({ options, parsed }: Monitor, tell: Tell): void {
  const { thresholds, new_group_delay, on_missing_data } = options
  if (thresholds?.critical === undefined) {
    tell('options.thresholds.critical', 'is missing', `say ${parsed.threshold}, the number of the query`)
  }
  if (new_group_delay === undefined) {
    tell('options.new_group_delay', 'is not said: Datadog ignores a new group for its first minute', 'say 0')
  }
  const falling = parsed.operator.startsWith('<')
  const wanted = falling ? 'default' : 'resolve'
  if (on_missing_data === undefined) {
    tell('options.on_missing_data', 'is not said: a cardinality would keep its last status', `say "${wanted}"`)
  } else if (falling && on_missing_data === 'resolve') {
    tell('options.on_missing_data', '"resolve" makes silence OK, which this monitor is there to tell', 'say "default"')
  }
}

const HANDLE = /@webhook-([\w.-]+)/

/** Whom the alert reaches. @param webhook the name in webhook.json */
export function messageRules({ message, tags }: Monitor, webhook: string, tell: Tell): void {
  for (const condition of ['is_alert', 'is_recovery']) {
    const [, block] = new RegExp(`{{#${condition}}}(.*?){{/${condition}}}`, 's').exec(message) ?? []
    if (block === undefined || !HANDLE.test(block)) {
      tell(
        'message',
        `has no handle in a {{#${condition}}} block`,
        `add {{#${condition}}} @webhook-${webhook} {{/${condition}}}`,
      )
    }
  }
  const outside = message.replace(/{{#is_(alert|recovery)}}[\s\S]*?{{\/is_\1}}/g, '')
  if (HANDLE.test(outside)) {
    tell('message', 'has a handle outside of a block: it is told of every transition', 'put it into {{#is_alert}}')
  }
  for (const [, name] of message.matchAll(new RegExp(HANDLE, 'g'))) {
    if (name !== webhook) tell('message', `@webhook-${name} is not the name in webhook.json`, `say @webhook-${webhook}`)
  }
  const [runbook] = tagsOf({ tags }, 'runbook')
  if (runbook !== undefined && !message.includes(`runbooks/${runbook}-`)) {
    tell('message', `does not name the runbook ${runbook}`, 'say where a responder finds it')
  }
}

const ONCE = ['detection', 'runbook', 'contain', 'managed-by', 'service', 'env']

/** What the webhook's receiver, the runbooks and a search in Datadog rely on. */
export function tagRules(monitor: Monitor, tell: Tell): void {
  const { slug, parsed } = monitor
  for (const key of ONCE) {
    const count = tagsOf(monitor, key).length
    if (count !== 1) tell('tags', `${count === 0 ? 'lack' : 'say more than once'} ${key}:`, 'say it exactly once')
  }
  if (tagsOf(monitor, 'detection').some((name) => name !== slug)) {
    tell('tags', `detection:${tagsOf(monitor, 'detection')[0]} is not its folder`, `say detection:${slug}`)
  }
  const [contain] = tagsOf(monitor, 'contain')
  const policy = policyFor(slug)
  if (!policy) tell('tags', 'no policy has its name', 'add a row to shared/containment/policy.ts')
  else {
    if (contain !== policy.contain)
      tell('tags', `contain:${contain} is not its policy`, `say contain:${policy.contain}`)
    const by = parsed.by.map(({ name }) => name)
    if (String(by) !== String(policy.groupBy)) {
      tell(
        'query',
        `groups by ${by.join(', ') || 'nothing'}`,
        `its policy wants ${policy.groupBy.join(', ') || 'no group'}`,
      )
    }
  }
  if ((contain === 'session' || contain === 'user') && isUnauthenticated(monitor)) {
    tell('tags', `contain:${contain}, and anybody can cause the events that it reads`, 'say contain:ip or contain:none')
  }
}

/** ATT&CK ids exist in the release that the table names, and each tactic is one that some technique serves. */
export function attackRules(monitor: Monitor, tell: Tell): void {
  const tactics = tagsOf(monitor, 'tactic')
  const techniques = tagsOf(monitor, 'technique')
  if (tactics.length === 0) tell('tags', 'lack tactic:', 'say which tactic, as TA0006')
  if (techniques.length === 0) tell('tags', 'lack technique:', 'say which technique, as T1110.004')
  for (const id of tactics) {
    if (!Object.hasOwn(TACTICS, id)) tell('tags', `tactic:${id} is not in our table of ${RELEASE}`, IN_TABLE)
    else if (!techniques.some((each) => TECHNIQUES[each]?.tactics.includes(id))) {
      tell(
        'tags',
        `tactic:${id} (${TACTICS[id]}) is served by none of its techniques`,
        'leave it out, or name the technique',
      )
    }
  }
  for (const id of techniques) {
    const technique = Object.hasOwn(TECHNIQUES, id) ? TECHNIQUES[id] : undefined
    const heir = Object.hasOwn(REVOKED, id) ? REVOKED[id] : undefined
    if (heir !== undefined) tell('tags', `technique:${id} was revoked in ${RELEASE}`, `say technique:${heir}`)
    else if (!technique) tell('tags', `technique:${id} is not in our table of ${RELEASE}`, IN_TABLE)
    else if (!technique.tactics.some((tactic) => tactics.includes(tactic))) {
      const names = technique.tactics.map((tactic) => `${tactic} ${TACTICS[tactic]}`).join(', ')
      tell('tags', `technique:${id} (${technique.name}) serves none of its tactics`, `it serves ${names}`)
    }
  }
}

const IN_TABLE = 'correct it, or add it to proof/lint/attack-matrix.ts with its source'

/** The pages and programs that belong to every detection. */
export async function companionRules(monitor: Monitor, root: string, tell: Tell): Promise<void> {
  const { slug } = monitor
  const [id] = tagsOf(monitor, 'runbook')
  const companions = {
    cases: `detections/${slug}/cases.ts`,
    attack: `attacks/${slug}.ts`,
    'benign twin': `attacks/${slug}.twin.ts`,
    runbook: `runbooks/${id}-${slug}.md`,
  }
  for (const [what, path] of Object.entries(companions)) {
    const missing = await access(join(root, path)).then(
      () => false,
      () => true,
    )
    if (missing) tell('', `has no ${what}`, `write ${path}`)
    else if (what === 'attack' && !attackBySlug(slug)) {
      tell('', 'has an attack that is not listed', 'add it to attacks/index.ts')
    }
  }
  const prod: Profile = profiles.prod
  if (!Object.hasOwn(prod, slug)) {
    tell('', 'has no threshold for real traffic', 'add it to detections/profiles.ts, with its source')
  }
  await runbookNumberRule(monitor, root, tell)
  const runbook = await readFile(join(root, companions.runbook), 'utf8').catch(() => undefined)
  if (runbook !== undefined && !runbook.includes(monitor.query)) {
    tell('query', 'is not the one that its runbook shows', `copy it into ${companions.runbook}`)
  }
}

/** A runbook's number is of one detection. */
async function runbookNumberRule(monitor: Monitor, root: string, tell: Tell): Promise<void> {
  const [id] = tagsOf(monitor, 'runbook')
  const names = await readdir(join(root, 'runbooks'))
  const other = names.find((name) => name.startsWith(`${id}-`) && name !== `${id}-${monitor.slug}.md`)
  if (other === undefined) return
  const last = Math.max(...names.map((name) => Number(/^ATO-(\d{3})-/.exec(name)?.[1] ?? 0)))
  tell(
    'tags',
    `runbook:${id} is ${other}`,
    `say runbook:ATO-${String(last + 1).padStart(3, '0')}, the next that is free`,
  )
}
