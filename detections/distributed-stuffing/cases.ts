import { from, type Kind, loginFailed, loginSucceeded, numbered, registerFailed, repeat, SECOND } from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

const nth = (n: number) => ({ ...from(numbered.ip(n)), login_hash: numbered.hash(n) })
/** A login of nobody here, from the n-th address. */
const stranger = (n: number, ms: number, change: Partial<Kind<'loginFailed'>> = {}) =>
  loginFailed(ms, { reason: 'unknown_user', usr: { exists: false }, ...nth(n), ...change })
const strangers = (count: number, change: (n: number) => Partial<Kind<'loginFailed'>> = () => ({})) =>
  Array.from({ length: count }, (_, n) => stranger(n, n * SECOND, change(n)))

const via = (subject: number) => (subject % 2 === 0 ? 'web' : 'api')

export const proof: Proof = {
  counts: (i, afterMs, subject) => stranger(i, afterMs, { via: via(subject) }),
  almost: (i, afterMs, subject) => stranger(i, afterMs, { via: via(subject), ...from(numbered.ip(i % 30)) }),
  equivalent: {
    'search: without @evt:login': 'by the contract, unknown_user is a reason of sign-ins alone',
    'search: without @outcome:fail': 'by the contract, unknown_user is a reason of failures alone',
  },
}

const fires = [{ '@via': 'web' }]

export const cases: DetectionCase[] = [
  {
    name: 'a list that tries each login from two addresses',
    events: strangers(31, (n) => ({ login_hash: numbered.hash(n >> 1) })),
    fires,
  },
  { name: 'one bot per address, each with five tries', events: strangers(155, (n) => nth(n % 31)), fires },
  {
    name: 'addresses of both families',
    events: strangers(31, (n) => (n % 2 === 0 ? {} : from(`2001:db8:0:${n.toString(16)}::7`))),
    fires,
  },
  {
    name: 'a Monday morning of two hundred people, each at home; every fifth mistypes the password, every tenth the address',
    events: Array.from({ length: 200 }, (_, n) => {
      const ms = n * 2_900
      return [
        ...(n % 5 === 0 ? [loginFailed(ms, nth(n))] : []),
        ...(n % 10 === 0 ? [stranger(n, ms + 500)] : []),
        loginSucceeded(ms + SECOND, nth(n)),
      ]
    }).flat(),
    fires: false,
  },
  {
    name: 'attempts that were refused unread: throttled, blocked or malformed',
    events: strangers(120, (n) => ({ reason: (['throttled', 'blocked', 'malformed'] as const)[n % 3] ?? 'blocked' })),
    fires: false,
  },
  {
    name: 'a wave of registrations under addresses that are taken',
    events: repeat(registerFailed, 60, SECOND, nth),
    fires: false,
  },
]
