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
  /** How long an alert lasts before it is told again; absent: never. */
  readonly remindMs?: number
  /** The i-th event of a subject: each adds exactly one. */
  readonly counts: (subject: string, i: number) => Facts
  /** The same but for what makes it count. */
  readonly almost: (subject: string, i: number) => Facts
}

const fails = { evt: 'login', outcome: 'fail', reason: 'wrong_password' }
const guessedInside = { evt: 'credential', outcome: 'fail', action: 'reauthenticated', reason: 'wrong_password' }
const opened = { evt: 'session', outcome: 'new' }
/** Each is a request of its own: monitors count those, and not the lines that are delivered. */
const request = (subject: string, i: number) => ({ request_id: `${subject}-request-${i}` })
const elsewhere = (subject: string, i: number) => ({ login_hash: `${subject}-login-${i}`, usr: { exists: false } })

export const recipes: Readonly<Record<string, Recipe>> = {
  'credential-stuffing': {
    ...{ most: 10, windowMs: 5 * minute, facet: '@network', remindMs: 10 * minute },
    counts: (network, i) => ({ ...fails, network, ...elsewhere(network, i), ...request(network, i) }),
    almost: (network, i) => ({
      ...fails,
      reason: 'blocked',
      network,
      ...elsewhere(network, i),
      ...request(network, i),
    }),
  },
  'session-reuse': {
    ...{ most: 1, windowMs: 120 * minute, facet: '@sid' },
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
    ...{ most: 0, windowMs: 15 * minute, facet: '@sid' },
    counts: (sid) => ({ ...opened, sid, risk: ['new_device', 'travel'] }),
    almost: (sid) => ({ ...opened, sid, risk: ['traveller'] }),
  },
  'password-spraying': {
    ...{ most: 2, windowMs: 60 * minute, facet: '@network', remindMs: 10 * minute },
    counts: (network, i) => ({ ...fails, network, ...elsewhere(network, i), risk: ['spray'] }),
    almost: (network, i) => ({ ...fails, network, login_hash: `${network}-login-${i % 2}`, risk: ['spray'] }),
  },
  'distributed-stuffing': {
    ...{ most: 30, windowMs: 10 * minute, facet: '@via' },
    counts: (via, i) => ({
      ...fails,
      reason: 'unknown_user',
      via,
      network: `${via}-network-${i}`,
      ...elsewhere(via, i),
    }),
    almost: (via, i) => ({
      ...fails,
      reason: 'unknown_user',
      via,
      network: `${via}-network-${i % 30}`,
      ...elsewhere(via, i),
    }),
  },
  'account-brute-force': {
    ...{ most: 20, windowMs: 15 * minute, facet: '@login_hash' },
    counts: (login_hash, i) => ({ ...(i % 3 === 2 ? guessedInside : fails), login_hash, ...request(login_hash, i) }),
    almost: (login_hash, i) => ({ ...fails, reason: 'blocked', login_hash, ...request(login_hash, i) }),
  },
  'takeover-after-failures': {
    ...{ most: 0, windowMs: 15 * minute, facet: '@sid' },
    counts: (sid) => ({ ...opened, sid, risk: ['after_failures'] }),
    almost: (sid) => ({ evt: 'session', outcome: 'renewed', sid, risk: ['after_failures'] }),
  },
  'mfa-guessing': {
    ...{ most: 5, windowMs: 15 * minute, facet: '@usr.id' },
    counts: (id, i) => ({
      ...{ evt: 'mfa', outcome: 'fail', reason: i % 3 === 2 ? 'too_many' : 'wrong_code', usr: { id } },
      ...request(id, i),
    }),
    almost: (id, i) => ({
      ...{ evt: 'mfa', outcome: 'fail', reason: 'wrong_code', usr: { id }, sid: `${id}-session` },
      ...request(id, i),
    }),
  },
  'otp-replay': {
    ...{ most: 1, windowMs: 10 * minute, facet: '@usr.id' },
    counts: (id, i) => ({ evt: 'mfa', outcome: 'fail', reason: 'replayed_code', usr: { id }, ...request(id, i) }),
    almost: (id, i) => ({ evt: 'mfa', outcome: 'fail', reason: 'expired', usr: { id }, ...request(id, i) }),
  },
  'session-fork': {
    ...{ most: 0, windowMs: 15 * minute, facet: '@sid' },
    counts: (sid) => ({ evt: 'session', outcome: 'fork', sid }),
    almost: (sid) => ({ evt: 'session', outcome: 'forked', sid }),
  },
  'revoked-session-use': {
    ...{ most: 3, windowMs: 15 * minute, facet: '@network', remindMs: 10 * minute },
    counts: (network, i) => ({
      evt: 'session',
      outcome: 'revoked',
      reason: 'contained',
      network,
      sid: `${network}-session-${i}`,
      ...request(network, i),
    }),
    almost: (network, i) => ({
      evt: 'session',
      outcome: 'revoked',
      reason: 'ended',
      network,
      sid: `${network}-session-${i}`,
      ...request(network, i),
    }),
  },
  'canary-account': {
    ...{ most: 0, windowMs: 15 * minute, facet: '@network', remindMs: 10 * minute },
    counts: (network, i) => ({ ...fails, network, ...elsewhere(network, i), ...request(network, i), risk: ['canary'] }),
    almost: (network, i) => ({ ...opened, network, sid: `${network}-session-${i}`, risk: ['canary'] }),
  },
  'containment-failed': {
    ...{ most: 0, windowMs: 15 * minute, facet: '@detection' },
    counts: (detection, i) => ({
      ...{ evt: 'contain', outcome: 'refused', reason: 'stale', detection },
      containment_id: `${detection}-containment-${i}`,
    }),
    almost: (detection, i) => ({
      ...{ evt: 'contain', outcome: 'noop', detection },
      containment_id: `${detection}-containment-${i}`,
    }),
  },
  'containment-tampering': {
    ...{ most: 2, windowMs: 15 * minute, facet: '@network' },
    counts: (network, i) =>
      i % 2 === 0
        ? { evt: 'call', outcome: 'refused', reason: 'stale', network, ...request(network, i) }
        : { evt: 'webhook', outcome: 'refused', reason: 'bad_secret', network, ...request(network, i) },
    almost: (network, i) => ({
      evt: 'webhook',
      outcome: 'refused',
      reason: 'malformed',
      network,
      ...request(network, i),
    }),
  },
  'reauthentication-guessing': {
    ...{ most: 3, windowMs: 60 * minute, facet: '@sid' },
    counts: (sid, i) => ({ ...guessedInside, sid, login_hash: `${sid}-login`, ...request(sid, i) }),
    almost: (sid, i) => ({ ...guessedInside, reason: 'throttled', sid, ...request(sid, i) }),
  },
  'takeover-actions': {
    ...{ most: 0, windowMs: 15 * minute, facet: '@sid' },
    counts: (sid) => ({ evt: 'credential', outcome: 'success', action: 'password_changed', sid, risk: ['new_device'] }),
    almost: (sid) => ({ evt: 'credential', outcome: 'success', action: 'password_changed', sid, risk: [] }),
  },
}
