import type * as z from 'zod'
import { addressFields } from '../shared/client/address.ts'
import type { EVENTS } from '../shared/event.ts'
import { after } from './harness.ts'

/** Events of the contract for cases and proofs: one builder for each kind, which the caller changes where it matters. */

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

/** The default address of events, and another one. */
export const ATTACKER = '203.0.113.9'
export const HOME = '198.51.100.7'
/** The default account and session of events, and another session. */
export const ANN = { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' }
export const SID = 'AAAAAAAAAAAAAAAAAAAAAA'
export const OTHER_SID = 'BBBBBBBBBBBBBBBBBBBBBB'

const FIRST_ADDRESS = 0xc6_33_64_00
/** Values of the contract's forms, one for each number: `numbered.sid(7)` is always the same session. */
export const numbered = {
  /** From 198.51.100.0: the first 256 are in TEST-NET-2. */
  ip: (n: number): string => [24, 16, 8, 0].map((shift) => ((FIRST_ADDRESS + n) >>> shift) & 255).join('.'),
  sid: (n: number): string => `session_${String(n).padStart(14, '0')}`,
  hash: (n: number): string => n.toString(16).padStart(32, '0'),
  uuid: (n: number): string => `0b7c3b0e-52b1-4d7a-8a8f-${n.toString(16).padStart(12, '0')}`,
} as const

/** The fields of an event that comes from an address. */
export const from = addressFields

let requests = 0
/** A new id at each call, because most monitors count requests and not lines. */
export const newRequestId = (): string => numbered.uuid(1_000_000 + ++requests)

export type Kind<K extends keyof typeof EVENTS> = z.infer<(typeof EVENTS)[K]>
export type Build<E> = (ms: number, change?: Partial<E>) => E

/** @param usual makes the default event at a time, in ms into a case */
const builder =
  <K extends keyof typeof EVENTS>(usual: (ms: number) => Kind<K>): Build<Kind<K>> =>
  (ms, change = {}) => ({ ...usual(ms), ...change })

const line = (ms: number) => ({
  timestamp: after(ms),
  level: 'info' as const,
  service: 'mini-ato-saas',
  env: 'prod',
})

const request = (ms: number) => ({
  ...line(ms),
  ...from(ATTACKER),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: newRequestId(),
})

const attempt = (ms: number) => ({ ...request(ms), email: 'ann@example.test', login_hash: numbered.hash(1) })
const session = (ms: number) => ({ ...request(ms), usr: ANN, sid: SID, evt: 'session' as const })
const code = (ms: number) => ({ ...request(ms), usr: ANN, evt: 'mfa' as const })
const credential = (ms: number) => ({
  ...request(ms),
  usr: ANN,
  sid: SID,
  login_hash: numbered.hash(1),
  evt: 'credential' as const,
})

export const registered = builder<'registerPending'>((ms) => ({ ...attempt(ms), evt: 'register', outcome: 'pending' }))

export const registerFailed = builder<'registerFailed'>((ms) => ({
  ...attempt(ms),
  level: 'warn',
  evt: 'register',
  outcome: 'fail',
  reason: 'existing',
}))

export const loginFailed = builder<'loginFailed'>((ms) => ({
  ...attempt(ms),
  level: 'warn',
  evt: 'login',
  outcome: 'fail',
  reason: 'wrong_password',
  usr: { ...ANN, exists: true },
}))

export const loginSucceeded = builder<'loginSucceeded'>((ms) => ({
  ...attempt(ms),
  evt: 'login',
  outcome: 'success',
  usr: ANN,
  sid: SID,
  device_known: true,
}))

/** The password was right, and a code is asked for. */
export const loginChallenged = builder<'loginChallenged'>((ms) => ({
  ...attempt(ms),
  evt: 'login',
  outcome: 'challenge',
  usr: ANN,
  device_known: true,
}))

export const mfaPassed = builder<'mfa'>((ms) => ({ ...code(ms), outcome: 'success', sid: SID }))
export const mfaFailed = builder<'mfaFailed'>((ms) => ({
  ...code(ms),
  level: 'warn',
  outcome: 'fail',
  reason: 'wrong_code',
}))

export const sessionOpened = builder<'sessionChanged'>((ms) => ({ ...session(ms), outcome: 'new' }))
export const sessionSeen = builder<'sessionSeen'>((ms) => ({ ...session(ms), outcome: 'seen', reason: 'accepted' }))
export const sessionForked = builder<'sessionForked'>((ms) => ({ ...session(ms), level: 'warn', outcome: 'fork' }))
/** A session that was ended is presented. */
export const sessionDead = builder<'sessionDead'>((ms) => ({ ...session(ms), outcome: 'revoked', reason: 'contained' }))

export const passwordChanged = builder<'credentialChanged'>((ms) => ({
  ...credential(ms),
  outcome: 'success',
  action: 'password_changed',
}))

/** A session is asked for its password again, and the password is wrong. */
export const credentialFailed = builder<'credentialFailed'>((ms) => ({
  ...credential(ms),
  outcome: 'fail',
  action: 'reauthenticated',
  reason: 'wrong_password',
}))

export const callRefused = builder<'callRefused'>((ms) => ({
  ...request(ms),
  level: 'warn',
  evt: 'call',
  outcome: 'refused',
  reason: 'bad_signature',
  route: 'POST /contain/revoke',
}))

export const webhookRefused = builder<'webhook'>((ms) => ({
  ...line(ms),
  ...from(ATTACKER),
  level: 'warn',
  evt: 'webhook',
  outcome: 'refused',
  reason: 'bad_secret',
  request_id: newRequestId(),
}))

/** A containment of session-reuse that waits for a person, because the cap was reached. */
export const containHeld = builder<'contain'>((ms) => ({
  ...line(ms),
  level: 'error',
  evt: 'contain',
  outcome: 'refused',
  action: 'revoke',
  reason: 'cap',
  detection: 'session-reuse',
  containment_id: numbered.hash(0),
  sid: SID,
  usr: ANN,
  via: 'direct',
  request_id: newRequestId(),
}))

export const swept = builder<'sweep'>((ms) => ({
  ...line(ms),
  evt: 'sweep',
  outcome: 'success',
  expired: 0,
  contained: 0,
  failed: 0,
  duration_ms: 12,
}))

/**
 * @param everyMs from one event to the next; the first is at `fromMs`
 * @param change of each event, or of the i-th from 0
 */
export function repeat<E>(
  build: Build<E>,
  count: number,
  everyMs: number,
  change: NoInfer<Partial<E> | ((i: number) => Partial<E>)> = {},
  fromMs = 0,
): E[] {
  return Array.from({ length: count }, (_, i) =>
    build(fromMs + i * everyMs, typeof change === 'function' ? change(i) : change),
  )
}

/** @returns an event that lacks these fields */
export const without = <E extends object>(
  event: E,
  ...fields: (E extends unknown ? keyof E & string : never)[]
): object => Object.fromEntries(Object.entries(event).filter(([name]) => !fields.some((field) => field === name)))
