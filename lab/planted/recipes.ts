/** What one event has besides its time and its environment. */
export type Facts = Readonly<Record<string, unknown>>

const minute = 60_000

/** How to take one detection over its threshold, and almost. Written from what each monitor is for, not read from its query. */
export interface Recipe {
  /** So many are silent; one more alerts. */
  readonly most: number
  readonly windowMs: number
  /** The facet that a subject is a value of; none when all of the service is one. */
  readonly facet: string
  /** The i-th event of a subject: each adds exactly one. */
  readonly counts: (subject: string, i: number) => Facts
  /** The same but for what makes it count. */
  readonly almost: (subject: string, i: number) => Facts
}

const fails = { evt: 'login', outcome: 'fail', reason: 'wrong_password' }
const opened = { evt: 'session', outcome: 'new' }
const elsewhere = (subject: string, i: number) => ({ login_hash: `${subject}-login-${i}`, usr: { exists: false } })

export const recipes: Readonly<Record<string, Recipe>> = {
  'credential-stuffing': {
    ...{ most: 10, windowMs: 5 * minute, facet: '@ip' },
    counts: (ip, i) => ({ ...fails, ip, ...elsewhere(ip, i) }),
    almost: (ip, i) => ({ ...fails, reason: 'blocked', ip, ...elsewhere(ip, i) }),
  },
  'session-reuse': {
    ...{ most: 1, windowMs: 60 * minute, facet: '@sid' },
    counts: (sid, i) => ({
      evt: 'session',
      outcome: 'seen',
      reason: 'accepted',
      sid,
      device_hash: `${sid}-device-${i}`,
    }),
    almost: (sid) => ({ evt: 'session', outcome: 'seen', reason: 'accepted', sid, device_hash: `${sid}-device-0` }),
  },
  'impossible-travel': {
    ...{ most: 0, windowMs: 5 * minute, facet: '@sid' },
    counts: (sid) => ({ ...opened, sid, risk: ['new_device', 'travel'] }),
    almost: (sid) => ({ ...opened, sid, risk: ['traveller'] }),
  },
  'password-spraying': {
    ...{ most: 2, windowMs: 60 * minute, facet: '@ip' },
    counts: (ip, i) => ({ ...fails, ip, ...elsewhere(ip, i), risk: ['spray'] }),
    almost: (ip, i) => ({ ...fails, ip, login_hash: `${ip}-login-${i % 2}`, risk: ['spray'] }),
  },
  'distributed-stuffing': {
    ...{ most: 30, windowMs: 10 * minute, facet: '@via' },
    counts: (via, i) => ({ ...fails, reason: 'unknown_user', via, ip: `${via}-address-${i}`, ...elsewhere(via, i) }),
    almost: (via, i) => ({
      ...fails,
      reason: 'unknown_user',
      via,
      ip: `${via}-address-${i % 30}`,
      ...elsewhere(via, i),
    }),
  },
  'account-brute-force': {
    ...{ most: 20, windowMs: 15 * minute, facet: '@login_hash' },
    counts: (login_hash, i) => ({ ...fails, login_hash, ip: `${login_hash}-address-${i % 7}` }),
    almost: (login_hash, i) => ({ ...fails, reason: 'blocked', login_hash, ip: `${login_hash}-address-${i % 7}` }),
  },
  'takeover-after-failures': {
    ...{ most: 0, windowMs: 5 * minute, facet: '@sid' },
    counts: (sid) => ({ ...opened, sid, risk: ['after_failures'] }),
    almost: (sid) => ({ evt: 'session', outcome: 'renewed', sid, risk: ['after_failures'] }),
  },
  'mfa-guessing': {
    ...{ most: 5, windowMs: 15 * minute, facet: '@usr.id' },
    counts: (id, i) => ({ evt: 'mfa', outcome: 'fail', reason: i % 3 === 2 ? 'too_many' : 'wrong_code', usr: { id } }),
    almost: (id) => ({ evt: 'mfa', outcome: 'fail', reason: 'wrong_code', usr: { id }, sid: `${id}-session` }),
  },
  'otp-replay': {
    ...{ most: 1, windowMs: 10 * minute, facet: '@usr.id' },
    counts: (id) => ({ evt: 'mfa', outcome: 'fail', reason: 'replayed_code', usr: { id } }),
    almost: (id) => ({ evt: 'mfa', outcome: 'fail', reason: 'expired', usr: { id } }),
  },
  'session-fork': {
    ...{ most: 0, windowMs: 5 * minute, facet: '@sid' },
    counts: (sid) => ({ evt: 'session', outcome: 'fork', sid }),
    almost: (sid) => ({ evt: 'session', outcome: 'forked', sid }),
  },
  'revoked-session-use': {
    ...{ most: 3, windowMs: 15 * minute, facet: '@ip' },
    counts: (ip, i) => ({ evt: 'session', outcome: 'revoked', reason: 'contained', ip, sid: `${ip}-session-${i}` }),
    almost: (ip, i) => ({ evt: 'session', outcome: 'revoked', reason: 'ended', ip, sid: `${ip}-session-${i}` }),
  },
  'canary-account': {
    ...{ most: 0, windowMs: 5 * minute, facet: '@ip' },
    counts: (ip, i) => ({ ...fails, ip, ...elsewhere(ip, i), risk: ['canary'] }),
    almost: (ip, i) => ({ ...opened, ip, sid: `${ip}-session-${i}`, risk: ['canary'] }),
  },
  'containment-tampering': {
    ...{ most: 2, windowMs: 15 * minute, facet: '@ip' },
    counts: (ip, i) =>
      i % 2 === 0
        ? { evt: 'call', outcome: 'refused', reason: 'stale', ip }
        : { evt: 'webhook', outcome: 'refused', reason: 'bad_secret', ip },
    almost: (ip) => ({ evt: 'webhook', outcome: 'refused', reason: 'malformed', ip }),
  },
  'takeover-actions': {
    ...{ most: 0, windowMs: 5 * minute, facet: '@sid' },
    counts: (sid) => ({ evt: 'credential', outcome: 'success', action: 'password_changed', sid, risk: ['new_device'] }),
    almost: (sid) => ({ evt: 'credential', outcome: 'success', action: 'password_changed', sid, risk: [] }),
  },
}
