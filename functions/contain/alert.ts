import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type Policy, policyFor } from '../../shared/containment/policy.ts'
import { readScope, type Subject, scopeOf } from '../../shared/containment/subject.ts'
import { parseUniqueJson } from '../../shared/json.ts'

/**
 * An alert from the webhook of Datadog (detections/webhook.json). Datadog substitutes raw text for `$NAMES`, so every
 * value is hostile until it is parsed here.
 */
const Payload = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  alert_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  cycle_key: z.string().regex(/^[A-Za-z0-9_:.-]{1,128}$/),
  transition: z.string().regex(/^[A-Za-z -]{1,32}$/),
  scope: z.string().max(512),
  tags: z.string().max(4096),
  // Milliseconds. A longer number is a year that neither Date nor a table can store.
  date: z.string().regex(/^[0-9]{10,14}$/),
})

export interface Alert {
  alertId: string
  cycle: string
  transition: string
  /** The time that Datadog gives. */
  date: Date
  detection: string
  policy: Policy
  subject: Subject
  /** The subject in one spelling, such as `@sid:…`. */
  scope: string
  /** The id of the containment: one per detection, cycle and scope. */
  containmentId: string
}

export type AlertFault = 'malformed' | 'unknown_detection' | 'no_subject'

/** @returns the alert, or its fault with a sentence for the person who configured the webhook */
export function readAlert(body: string): Alert | { fault: AlertFault; why: string } {
  const payload = Payload.safeParse(parsePayload(body))
  if (!payload.success) {
    const [issue] = payload.error.issues
    return {
      fault: 'malformed',
      why: `The payload is not that of detections/webhook.json: ${issue?.path.join('.') || 'body'}.`,
    }
  }
  const { alert_id: alertId, cycle_key: cycle, transition, scope, tags, date } = payload.data
  return alertOf({ alertId, cycle, transition, scope, tags, date: new Date(Number(date)) })
}

/** Builds the alert of one group of a monitor from the tags of the monitor. @param given.tags separated by commas */
function alertOf(
  given: Pick<Alert, 'alertId' | 'cycle' | 'transition' | 'date' | 'scope'> & { tags: string },
): Alert | { fault: AlertFault; why: string } {
  const { tags, ...told } = given
  const tagged = readTags(tags)
  const detection = tagged.get('detection') ?? ''
  const policy = policyFor(detection)
  if (!policy) return { fault: 'unknown_detection', why: 'No containment policy has the name in the tag detection:.' }
  if (tagged.get('contain') !== policy.contain) {
    return { fault: 'unknown_detection', why: 'The tag contain: does not agree with the policy of this detection.' }
  }
  const subject = readScope(told.scope, policy.groupBy)
  if (!subject) return { fault: 'no_subject', why: `The scope must name ${wanted(policy)}.` }
  const scope = scopeOf(subject)
  return { ...told, detection, policy, subject, scope, containmentId: containmentId(detection, told.cycle, scope) }
}

const PULLED = 'pull-'
/** The times that the webhook and the monitor API give for one alert differ by less than this. */
const SAME_ALERT_MS = 2 * 60_000

/** An alert that the pull found. @param triggeredAt its start as Datadog gives it, epoch ms */
export const pulledAlert = (open: { monitorId: string; tags: readonly string[]; scope: string; triggeredAt: number }) =>
  alertOf({
    alertId: open.monitorId,
    cycle: `${PULLED}${Math.floor(open.triggeredAt / 1000)}`,
    transition: 'Triggered',
    date: new Date(open.triggeredAt),
    scope: open.scope,
    tags: open.tags.join(','),
  })

export const isPulled = ({ cycle }: Pick<Alert, 'cycle'>): boolean => cycle.startsWith(PULLED)

/** Whether two dates of alerts about one subject belong to the same alert. */
export const isSameAlert = (one: Date, other: Date): boolean =>
  Math.abs(one.getTime() - other.getTime()) <= SAME_ALERT_MS

const wanted = ({ groupBy: [facet] }: Policy): string => (facet ? `exactly one ${facet}` : 'nothing: it has no groups')

export const containmentId = (detection: string, cycle: string, scope: string): string =>
  createHash('sha256')
    .update(JSON.stringify([detection, cycle, scope]))
    .digest('hex')
    .slice(0, 32)

/** Drops a tag that occurs with two values. */
function readTags(tags: string): Map<string, string> {
  const read = new Map<string, string>()
  for (const tag of tags.split(',')) {
    const [, key, value] = /^\s*([^:\s]+):(\S+)\s*$/.exec(tag) ?? []
    if (key === undefined || value === undefined) continue
    read.set(key, read.has(key) && read.get(key) !== value ? '' : value)
  }
  return read
}

/**
 * @returns undefined for text that is not JSON or repeats a key, because raw substitution lets hostile text add keys
 */
function parsePayload(body: string): unknown {
  try {
    return parseUniqueJson(body)
  } catch {
    return undefined
  }
}
