import { createHash } from 'node:crypto'
import * as z from 'zod'
import { detectionOfRule, type Policy, policyFor } from '../../shared/containment/policy.ts'
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

/**
 * A signal of a Cloud SIEM rule from the webhook of Datadog (detections/siem-webhook.json). Its subject comes as a JSON object.
 * Decision `signal-date`, undocumented: `$DATE` may be empty for a signal. It is then as old as its arrival.
 */
const SignalPayload = z.strictObject({
  signal_id: z.string().regex(/^[A-Za-z0-9_=-]{1,128}$/),
  rule_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  rule_name: z.string().max(256),
  group_by: z.record(z.string().max(64), z.string().max(256)),
  date: z.string().regex(/^([0-9]{10,14})?$/),
})

export interface Alert {
  /** The id of the monitor, or of the rule. */
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

/**
 * Reads the payload of a monitor's alert or of a rule's signal.
 * @param now when it reached us
 * @returns the alert, or its fault with a sentence for the person who configured the webhook
 */
export function readAlert(body: string, now: Date): Alert | { fault: AlertFault; why: string } {
  const json = parsePayload(body)
  const isSignal = typeof json === 'object' && json !== null && Object.hasOwn(json, 'signal_id')
  return isSignal ? readSignal(json, now) : readMonitorAlert(json)
}

function readMonitorAlert(json: unknown): Alert | { fault: AlertFault; why: string } {
  const payload = Payload.safeParse(json)
  if (!payload.success) return malformed('webhook.json', payload.error)
  const { alert_id: alertId, cycle_key: cycle, transition, scope, tags, date } = payload.data
  return taggedAlert({ alertId, cycle, transition, scope, tags, date: new Date(Number(date)) })
}

const malformed = (file: string, { issues: [issue] }: z.ZodError) => ({
  fault: 'malformed' as const,
  why: `The payload is not that of detections/${file}: ${issue?.path.join('.') || 'body'}.`,
})

/** A signal opens once and has no recovery, so it is always a trigger. */
function readSignal(json: unknown, now: Date): Alert | { fault: AlertFault; why: string } {
  const payload = SignalPayload.safeParse(json)
  if (!payload.success) return malformed('siem-webhook.json', payload.error)
  const { signal_id, rule_id: alertId, rule_name, group_by, date } = payload.data
  const detection = detectionOfRule(rule_name)
  if (detection === undefined)
    return { fault: 'unknown_detection', why: 'No containment policy has a rule of this name.' }
  // A second field makes a scope that is refused.
  const scope = Object.entries(group_by)
    .map(([field, value]) => `${field}:${value}`)
    .join(',')
  const told = { alertId, cycle: `${SIGNAL}${signal_id}`, transition: 'Triggered', scope }
  return alertOf(detection, { ...told, date: date === '' ? now : new Date(Number(date)) })
}

type Told = Pick<Alert, 'alertId' | 'cycle' | 'transition' | 'date' | 'scope'>

/** Builds the alert of one group of a monitor from the tags of the monitor. @param given.tags separated by commas */
function taggedAlert(given: Told & { tags: string }): Alert | { fault: AlertFault; why: string } {
  const { tags, ...told } = given
  const tagged = readTags(tags)
  const detection = tagged.get('detection') ?? ''
  const policy = policyFor(detection)
  if (policy && tagged.get('contain') !== policy.contain) {
    return { fault: 'unknown_detection', why: 'The tag contain: does not agree with the policy of this detection.' }
  }
  return alertOf(detection, told)
}

function alertOf(detection: string, told: Told): Alert | { fault: AlertFault; why: string } {
  const policy = policyFor(detection)
  if (!policy) return { fault: 'unknown_detection', why: 'No containment policy has the name in the tag detection:.' }
  const subject = readScope(told.scope, policy.groupBy)
  if (!subject) return { fault: 'no_subject', why: `The scope must name ${wanted(policy)}.` }
  const scope = scopeOf(subject)
  return { ...told, detection, policy, subject, scope, containmentId: containmentId(detection, told.cycle, scope) }
}

const PULLED = 'pull-'
const SIGNAL = 'signal-'
/** An alert that the pull found. @param triggeredAt its start as Datadog gives it, epoch ms */
export const pulledAlert = (open: { monitorId: string; tags: readonly string[]; scope: string; triggeredAt: number }) =>
  taggedAlert({
    alertId: open.monitorId,
    cycle: `${PULLED}${Math.floor(open.triggeredAt / 1000)}`,
    transition: 'Triggered',
    date: new Date(open.triggeredAt),
    scope: open.scope,
    tags: open.tags.join(','),
  })

/** Where an alert came from: the webhook of a monitor, that of a rule, or the sweeper, which asked Datadog. */
export type Source = 'monitor' | 'signal' | 'pull'

export function sourceOf({ cycle }: Pick<Alert, 'cycle'>): Source {
  if (cycle.startsWith(PULLED)) return 'pull'
  return cycle.startsWith(SIGNAL) ? 'signal' : 'monitor'
}

export const isPulled = (alert: Pick<Alert, 'cycle'>): boolean => sourceOf(alert) === 'pull'

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
