import { compileSearch, logOfEvent, type SearchMonitor } from 'alertproof'
import type { Target } from 'alertproof/query'
import * as z from 'zod'
import { credentialFailed, loginFailed, mfaFailed, registerFailed } from '../../detections/events.ts'
import { EVENTS, eventFields, Risk } from '../../shared/event.ts'
import type { Report } from './finding.ts'
import { allows, canMatch, fieldAt, matchesIn } from './reach.ts'

/** Fields that no detection may read, with the reason. */
const NEVER_READ: Readonly<Record<string, string>> = {
  run_id: 'it exists in the lab only',
  rum_session_id: 'any browser can send any',
  user_agent: 'the client writes it',
}

/** A query must read events that the app emits, by fields that can be trusted. */
export function queryRules({ parsed }: SearchMonitor, report: Report): void {
  for (const { form, position } of parsed.undocumented) {
    report(`query:${position + 1}`, `${form} is not documented by Datadog`, 'use a form that Datadog documents')
  }
  for (const term of ['service', 'env']) {
    if (!namesTerm(parsed.search, term)) {
      report('query', `does not say ${term}:`, 'begin with service:… env:…, or other services and stages count')
    }
  }
  countRules(parsed, report)
  const matches = matchesIn(parsed.node)
  for (const { target } of matches) targetRule(target, report)
  const facets = [...parsed.by, ...('of' in parsed.rollup ? [parsed.rollup.of] : [])]
  const fields = new Set([
    ...matches.flatMap(({ target }) => (target.kind === 'attribute' ? [target.path] : [])),
    ...facets.flatMap(({ field }) => (field.kind === 'attribute' ? [field.path] : [])),
  ])
  for (const field of fields) fieldRule(field, report)
  const schemas = Object.values(EVENTS).filter((schema) => canMatch(parsed.node, schema))
  if (schemas.length === 0) {
    report('query', 'no event of the app can match it', 'compare each value with shared/event.ts')
    return
  }
  for (const { field } of facets) {
    if (field.kind === 'attribute' && !schemas.some((schema) => fieldAt(field, schema))) {
      report(
        'query',
        `no event that matches has @${field.path}`,
        'group and count by a field of the events that it finds',
      )
    }
  }
  for (const { target, value } of matches) {
    if (target.kind !== 'attribute' || value?.kind !== 'text' || !eventFields.has(target.path)) continue
    const isPossible = Object.values(EVENTS).some((schema) => allows(fieldAt(target, schema), value))
    if (!isPossible) {
      report('query', `no event has @${target.path}:${value.text}`, 'leave it out, or take a value of shared/event.ts')
    }
  }
}

/** A query that counts must count requests, and only those that the service has answered by its rules. */
function countRules({ operator, rollup, threshold, search }: SearchMonitor['parsed'], report: Report): void {
  if (!operator.startsWith('>')) return
  if (threshold > 0 && rollup.kind === 'count') {
    report(
      'query',
      'counts lines, and the drain may deliver a line twice',
      'count .rollup("cardinality","@request_id")',
    )
  }
  const matches = compileSearch(search)
  for (const { evt, reason } of UNREAD.filter((event) => matches(logOfEvent({ ...event })))) {
    report(
      'query',
      `counts @evt:${evt} @reason:${reason}, an attempt whose password was not checked`,
      'exclude -@reason:(blocked OR busy)',
    )
  }
}

const risk: Risk[] = [...Risk.options]
/** Attempts that were refused because the network is blocked or a queue was full. Their sender may have done nothing wrong. */
const UNREAD = [
  ...(['blocked', 'busy'] as const).flatMap((reason) => [
    loginFailed(0, { reason, risk }),
    registerFailed(0, { reason, risk }),
  ]),
  credentialFailed(0, { reason: 'busy', risk }),
  mfaFailed(0, { reason: 'blocked' }),
]

/** The tags and the text that events have: a term over any other matches nothing, silently. */
function targetRule(target: Target, report: Report): void {
  if (target.kind === 'tag' && target.key !== 'env') {
    const isField = eventFields.has(target.key)
    const remedy = isField
      ? `write @${target.key}: for the field of an event`
      : 'take a name of shared/event.ts, with @'
    report('query', `no event has the tag ${target.key}`, remedy)
  }
  if (target.kind === 'wholeTag') report('query', 'no event has a tag without a key', 'write env:…')
  if (target.kind === 'message')
    report('query', 'events have no text that a bare word could match', 'write @field:value')
}

function fieldRule(field: string, report: Report): void {
  if (!eventFields.has(field))
    report('query', `@${field} is not a field of any event`, 'take a name of shared/event.ts')
  const why = Object.hasOwn(NEVER_READ, field) ? NEVER_READ[field] : undefined
  if (why !== undefined) report('query', `reads @${field}`, `remove it: ${why}`)
}

const namesTerm = (search: string, key: string): boolean => new RegExp(`(^|[\\s(])${key}:\\S`).test(search)

/** Events that anybody can cause without a password or a session. A second factor that `expired` needs no password either. */
const UNAUTHENTICATED: readonly z.ZodType[] = [
  EVENTS.registerPending,
  EVENTS.registerSucceeded,
  EVENTS.registerFailed,
  EVENTS.loginFailed,
  EVENTS.mfaFailed.extend({ reason: z.literal('expired') }),
  EVENTS.sessionInvalid,
  EVENTS.callRefused,
  EVENTS.webhook,
]

/** Eleven bad passwords must never sign a victim out. */
export function isUnauthenticated({ parsed }: SearchMonitor): boolean {
  return UNAUTHENTICATED.some((schema) => canMatch(parsed.node, schema))
}
