import * as z from 'zod'
import { networkOf } from './client/address.ts'

/**
 * The event contract: one JSON object per line on stdout, from both hosts. Detections query it and tests parse it.
 * Names are flat; `usr.*` is the standard attribute of Datadog.
 */

/** Only a text with the form of an address is logged as one: people type passwords into login fields. */
export const EMAIL_PATTERN = /^[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,190}$/
export const USER_AGENT_MAX = 256
/** Why a containment waits, failed or changed nothing. Used by its row and its event. */
export const CONTAIN_REASONS = [
  'cap',
  'policy',
  'stale',
  'recovered',
  'expired',
  'policy_gone',
  'policy_changed',
  'subject_gone',
  'unreadable',
] as const

/** Longest text of an operator, in characters. */
export const OPERATOR_MAX = 64
export const WHY_MAX = 256

export const Hash = z.string().regex(/^[0-9a-f]{32}$/)
export const Via = z.enum(['web', 'api'])
export const Sid = z.string().regex(/^[A-Za-z0-9_-]{22}$/)
/** One subscriber's network, as `networkOf` writes it: an IPv4 address, or the /64 of an IPv6 address. */
const Network = z.union([z.ipv4(), z.string().regex(/^(?:(?:0|[1-9a-f][0-9a-f]{0,3}):){4}:\/64$/)])
const RunId = z.string().regex(/^[a-z0-9-]{1,36}$/)
const email = z.string().regex(EMAIL_PATTERN)
export const DetectionSlug = z.string().regex(/^[a-z][a-z0-9-]{1,62}$/)

/** Added by the log, to every line. */
const envelope = {
  timestamp: z.iso.datetime({ precision: 3 }),
  level: z.enum(['info', 'warn', 'error']),
  service: z.string(),
  env: z.string(),
}

/** Where the request came from. Monitors that contain by address group by `network`. */
const address = { ip: z.union([z.ipv4(), z.ipv6()]), network: Network }

/** The facts about the request that our platform vouches for. */
const request = {
  ...address,
  user_agent: z.string().max(USER_AGENT_MAX),
  device_hash: Hash,
  via: Via,
  request_id: z.uuid(),
  run_id: RunId.optional(),
}

const known = z.strictObject({ id: z.uuid() })
const attempted = z.strictObject({ id: z.uuid().optional(), exists: z.boolean() })
/**
 * The RUM session as the browser named it: it joins the telemetry of the browser with ours for an investigation.
 * Anybody can send any value, so no monitor and no policy reads it.
 */
export const RumSessionId = z.uuid()
const submitted = { email: email.optional(), login_hash: Hash.optional(), rum_session_id: RumSessionId.optional() }
/** The names of a session. They are logged only after the token that named them has verified. */
const session = { usr: known, sid: Sid }

/** Verdicts that a log monitor cannot compute. */
export const Risk = z.enum(['new_device', 'after_failures', 'spray', 'travel', 'canary'])
export type Risk = z.infer<typeof Risk>
const judged = { risk: z.array(Risk).optional() }
const verdicts = { ...judged, device_known: z.boolean(), hints_hash: Hash.optional() }

export const EVENTS = {
  /** Accepted. The account begins when the address is confirmed. */
  registerPending: z.strictObject({
    ...envelope,
    ...request,
    ...submitted,
    ...judged,
    evt: z.literal('register'),
    outcome: z.literal('pending'),
  }),
  /** The address was confirmed, and the account is open. */
  registerSucceeded: z.strictObject({
    ...envelope,
    ...request,
    ...submitted,
    ...judged,
    evt: z.literal('register'),
    outcome: z.literal('success'),
    usr: known,
  }),
  registerFailed: z.strictObject({
    ...envelope,
    ...request,
    ...submitted,
    ...judged,
    evt: z.literal('register'),
    outcome: z.literal('fail'),
    reason: z.enum(['existing', 'weak_password', 'malformed', 'throttled', 'blocked', 'busy', 'bad_token']),
  }),
  loginSucceeded: z.strictObject({
    ...envelope,
    ...request,
    ...submitted,
    ...session,
    ...verdicts,
    evt: z.literal('login'),
    outcome: z.literal('success'),
  }),
  loginChallenged: z.strictObject({
    ...envelope,
    ...request,
    ...submitted,
    ...verdicts,
    evt: z.literal('login'),
    outcome: z.literal('challenge'),
    usr: known,
  }),
  loginFailed: z.strictObject({
    ...envelope,
    ...request,
    ...submitted,
    ...judged,
    evt: z.literal('login'),
    outcome: z.literal('fail'),
    /** `busy`: the password was not checked, for a reason of ours and not of the client. */
    reason: z.enum(['unknown_user', 'wrong_password', 'throttled', 'blocked', 'malformed', 'busy']),
    usr: attempted.optional(),
    hints_hash: Hash.optional(),
  }),
  mfa: z.strictObject({
    ...envelope,
    ...request,
    ...judged,
    evt: z.literal('mfa'),
    outcome: z.enum(['success', 'enabled', 'disabled']),
    usr: known,
    sid: Sid.optional(),
  }),
  mfaFailed: z.strictObject({
    ...envelope,
    ...request,
    evt: z.literal('mfa'),
    outcome: z.literal('fail'),
    /**
     * `step_up`: a session asked to change the factor without a proof that is recent and strong enough.
     * `busy`: a store failed, so the code of a sign-in decided nothing.
     */
    reason: z.enum(['wrong_code', 'replayed_code', 'too_many', 'expired', 'blocked', 'step_up', 'busy']),
    /** Set where a session proves its factor again; absent at a sign-in and at the set-up of an authenticator. */
    action: z.literal('reauthenticated').optional(),
    usr: known.optional(),
    sid: Sid.optional(),
  }),
  sessionChanged: z.strictObject({
    ...envelope,
    ...request,
    ...session,
    /** Verdicts on a new session. Every new session takes the password, so a stolen password shows here. */
    ...judged,
    evt: z.literal('session'),
    outcome: z.enum(['new', 'renewed', 'ended']),
  }),
  sessionSeen: z.strictObject({
    ...envelope,
    ...request,
    ...session,
    evt: z.literal('session'),
    outcome: z.literal('seen'),
    reason: z.enum(['accepted', 'challenged', 'refused']),
  }),
  sessionForked: z.strictObject({
    ...envelope,
    ...request,
    ...session,
    evt: z.literal('session'),
    outcome: z.literal('fork'),
  }),
  sessionDead: z.strictObject({
    ...envelope,
    ...request,
    ...session,
    evt: z.literal('session'),
    outcome: z.enum(['revoked', 'expired']),
    /** Who revoked it: a containment, a fork, or the user from elsewhere. */
    reason: z
      .enum(['contained', 'forked', 'ended_elsewhere', 'password_changed', 'factor_changed', 'too_many_sessions'])
      .optional(),
  }),
  sessionInvalid: z.strictObject({
    ...envelope,
    ...request,
    evt: z.literal('session'),
    outcome: z.literal('invalid'),
    /** `mismatch`: the token and the stored session disagree. */
    reason: z.enum(['bad_signature', 'unknown_key', 'malformed', 'wrong_audience', 'mismatch']),
  }),
  credentialChanged: z.strictObject({
    ...envelope,
    ...request,
    ...judged,
    evt: z.literal('credential'),
    outcome: z.literal('success'),
    /** A re-authentication that succeeds is a new session, not a changed credential. */
    action: z.literal('password_changed'),
    login_hash: Hash.optional(),
    usr: known,
    sid: Sid.optional(),
  }),
  credentialFailed: z.strictObject({
    ...envelope,
    ...request,
    ...judged,
    evt: z.literal('credential'),
    outcome: z.literal('fail'),
    reason: z.enum(['wrong_password', 'weak_password', 'throttled', 'busy', 'step_up']).optional(),
    action: z.enum(['password_changed', 'reauthenticated']),
    /** The hash of the address of the account: a guess inside a session is a guess at the account. */
    login_hash: Hash.optional(),
    usr: known,
    sid: Sid.optional(),
  }),
  callRefused: z.strictObject({
    ...envelope,
    ...request,
    evt: z.literal('call'),
    outcome: z.literal('refused'),
    reason: z.enum(['bad_signature', 'stale', 'replayed', 'wrong_route', 'malformed']),
    route: z.string().max(64),
  }),
  webhook: z.strictObject({
    ...envelope,
    evt: z.literal('webhook'),
    outcome: z.enum(['accepted', 'ignored', 'refused']),
    reason: z
      .enum([
        'bad_secret',
        'malformed',
        'unknown_detection',
        'no_subject',
        'unknown_subject',
        'stale',
        'not_a_trigger',
        'duplicate',
      ])
      .optional(),
    detection: DetectionSlug.optional(),
    containment_id: z.string().optional(),
    request_id: z.uuid(),
    ...address,
  }),
  contain: z.strictObject({
    ...envelope,
    evt: z.literal('contain'),
    /** `observed`: what would have been done, by a detection that only observes. */
    outcome: z.enum(['success', 'noop', 'observed', 'refused', 'fail', 'undone']),
    action: z.enum(['revoke', 'revoke_user', 'block_ip', 'notify']),
    /**
     * Refused: why it waits for a person. Failed: why it can never be carried out. Changed nothing: that it came too
     * late.
     */
    reason: z.enum(CONTAIN_REASONS).optional(),
    /** The person who decided, and the reason given; absent if no person was asked. */
    operator: z.string().min(1).max(OPERATOR_MAX).optional(),
    why: z.string().min(1).max(WHY_MAX).optional(),
    detection: DetectionSlug,
    containment_id: z.string(),
    sid: Sid.optional(),
    usr: known.optional(),
    blocked_network: Network.optional(),
    /** The number of sessions that were opened from the blocked network during the attack and ended with it. */
    sessions_ended: z.number().int().min(0).optional(),
    /** Who carried it out: web, called by functions, or functions itself. */
    via: z.enum(['web', 'direct']),
    request_id: z.uuid(),
  }),
  sweep: z.strictObject({
    ...envelope,
    evt: z.literal('sweep'),
    outcome: z.enum(['success', 'fail']),
    expired: z.number().int().min(0),
    contained: z.number().int().min(0),
    failed: z.number().int().min(0),
    /** Open alerts that no webhook had delivered. */
    pulled: z.number().int().min(0).optional(),
    /** Open sessions that the sweep read, and whether it has read all of them. */
    sessions: z.number().int().min(0).optional(),
    complete: z.boolean().optional(),
    duration_ms: z.number().int().min(0),
  }),
} as const

/** An event as it is read back from a log. */
export type Event = z.infer<(typeof EVENTS)[keyof typeof EVENTS]>
export const Event: z.ZodType<Event> = z
  .union(Object.values(EVENTS))
  .refine((event) => !('ip' in event) || event.network === networkOf(event.ip), 'network is not the one of ip')

type Written<T> = T extends unknown
  ? Omit<T, 'timestamp' | 'service' | 'env' | 'level'> & { level?: Event['level'] }
  : never
/** An event as the domain emits it: the log adds the envelope. */
export type NewEvent = Written<Event>
export type Emit = (event: NewEvent) => void

/** Every field of every event, flat, as a monitor names it after `@` (`usr.id`). */
export const eventFields: ReadonlySet<string> = new Set(Object.values(EVENTS).flatMap((schema) => flatten(schema, '')))

function flatten(schema: z.core.$ZodType, path: string): string[] {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema
  if (!(inner instanceof z.ZodObject)) return [path]
  return Object.entries<z.core.$ZodType>(inner.shape).flatMap(([key, value]) =>
    flatten(value, path ? `${path}.${key}` : key),
  )
}
