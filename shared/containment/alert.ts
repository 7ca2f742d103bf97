import { createHash } from 'node:crypto'
import * as z from 'zod'
import { parseUniqueJson } from '../json.ts'
import { type Policy, policyFor } from './policy.ts'
import { readScope, type Subject, scopeOf } from './subject.ts'

/**
 * An alert as Datadog's webhook delivers it (detections/webhook.json). Datadog replaces `$NAMES` by raw text, so
 * every value is hostile until it has been parsed here.
 */
const Payload = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  alert_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  cycle_key: z.string().regex(/^[A-Za-z0-9_:.-]{1,128}$/),
  transition: z.string().regex(/^[A-Za-z -]{1,32}$/),
  scope: z.string().max(512),
  tags: z.string().max(4096),
  // Milliseconds; a longer number is a year that neither Date nor a table can hold.
  date: z.string().regex(/^[0-9]{10,14}$/),
})

export interface Alert {
  /** One delivery. A retry of it carries the same id. */
  deliveryId: string
  alertId: string
  cycle: string
  transition: string
  /** epoch ms, as Datadog says */
  date: number
  detection: string
  policy: Policy
  subject: Subject
  /** The subject in one spelling, whatever the alert's was: `@sid:…`. */
  scope: string
  /** Of the containment: one per detection, cycle and scope. */
  containmentId: string
}

export type AlertFault = 'malformed' | 'unknown_detection' | 'no_subject'

/** @returns the alert, or what is wrong with it and a sentence for whoever configured the webhook */
export function readAlert(body: string): Alert | { fault: AlertFault; why: string } {
  const payload = Payload.safeParse(parsePayload(body))
  if (!payload.success) {
    const [issue] = payload.error.issues
    return {
      fault: 'malformed',
      why: `The payload is not that of detections/webhook.json: ${issue?.path.join('.') || 'body'}.`,
    }
  }
  const { id, alert_id, cycle_key, transition, scope, tags, date } = payload.data
  const tagged = readTags(tags)
  const detection = tagged.get('detection') ?? ''
  const policy = policyFor(detection)
  if (!policy) return { fault: 'unknown_detection', why: 'No containment policy has the name in the tag detection:.' }
  if (tagged.get('contain') !== policy.contain) {
    return { fault: 'unknown_detection', why: 'The tag contain: does not agree with the policy of this detection.' }
  }
  const subject = readScope(scope, policy.groupBy)
  if (!subject) return { fault: 'no_subject', why: `The scope must name ${wanted(policy)}.` }
  const normal = scopeOf(subject)
  return {
    deliveryId: id,
    alertId: alert_id,
    cycle: cycle_key,
    transition,
    date: Number(date),
    detection,
    policy,
    subject,
    scope: normal,
    containmentId: containmentId(detection, cycle_key, normal),
  }
}

const wanted = ({ groupBy: [facet] }: Policy): string => (facet ? `exactly one ${facet}` : 'nothing: it has no groups')

export const containmentId = (detection: string, cycle: string, scope: string): string =>
  createHash('sha256')
    .update(JSON.stringify([detection, cycle, scope]))
    .digest('hex')
    .slice(0, 32)

/** A tag that occurs twice with two values is none. */
function readTags(tags: string): Map<string, string> {
  const read = new Map<string, string>()
  for (const tag of tags.split(',')) {
    const [, key, value] = /^\s*([^:\s]+):(\S+)\s*$/.exec(tag) ?? []
    if (key === undefined || value === undefined) continue
    read.set(key, read.has(key) && read.get(key) !== value ? '' : value)
  }
  return read
}

/** @returns undefined for what is not JSON, and for a repeated key: raw substitution lets hostile text add keys */
function parsePayload(body: string): unknown {
  try {
    return parseUniqueJson(body)
  } catch {
    return undefined
  }
}
