import { networkGroup } from './kit/addresses.ts'
import type { PreventedAttack, Target } from './kit/attack.ts'
import { castPeople, leakedList } from './kit/cast.ts'
import { firefoxOnLinux, OFFICE_DEVICES } from './kit/clients/devices.ts'
import type { Outgoing } from './kit/clients/wire.ts'
import { inTurn } from './kit/in-turn.ts'
import { inParallel } from './kit/parallel.ts'
import { twin } from './queue-flooding.twin.ts'

/** More at once than the password queue holds. */
const AT_ONCE = 96
/** Enough to keep the tries of each below every threshold. */
const SUBNETS = 16
const OWN_ACCOUNTS = 8
const OFFICE = 12

export const queueFlooding: PreventedAttack = {
  slug: 'queue-flooding',
  title: 'Filling the password queue, so that others fail',
  techniques: [{ id: 'T1499.003', name: 'Endpoint Denial of Service: Application Exhaustion Flood' }],
  targets: ['web', 'functions'],
  does: `Keeps ${AT_ONCE} sign-ins under way from ${SUBNETS} subnets while the ${OFFICE} people of an office sign in. If a full queue counted as a failure of the people who wait in it, the office would be blocked and its accounts throttled, although their passwords are right.`,
  ends: 'prevented',
  prevention:
    'A full queue is the service’s fault and does not count as a failed sign-in. Networks share the queue fairly, so the flood waits behind all others.',
  leaves: [
    { query: '@evt:login @outcome:fail @reason:busy', atLeast: 1 },
    { query: '@evt:login @outcome:success', atLeast: OFFICE },
  ],
  runbook: 'runbooks/ATO-001-credential-stuffing.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const address = await addresses.ordinary()
    const desks = castPeople(OFFICE, random).map((person) => ({
      person,
      browser: context.client({ device: random.pick(OFFICE_DEVICES)(), address }),
    }))
    await inParallel(desks, 4, ({ person, browser }) => browser.register(person))

    const subnets = await Promise.all(Array.from({ length: SUBNETS }, () => addresses.mobile()))
    const own = leakedList(OWN_ACCOUNTS, random)
    const nextSubnet = inTurn(subnets)
    await inParallel(own, 4, (account) =>
      context.intruder({ device: firefoxOnLinux(), address: nextSubnet() }).register(account),
    )
    const crossing = context.crossing({}, 'the flood')
    const flood = inParallel(leakedList(AT_ONCE, random), AT_ONCE, ({ password }, at) =>
      context
        .intruder({ device: firefoxOnLinux(), address: nextSubnet() })
        .send(signInAt(target, own[at % OWN_ACCOUNTS]?.email ?? '', password)),
    )
    tell('attacker', `tries ${AT_ONCE} wrong passwords at once, from ${SUBNETS} subnets`)
    const mornings = await Promise.all(desks.map(({ person, browser }) => browser.signIn(person)))
    const inside = mornings.filter(({ kind }) => kind === 'in')
    tell('office', `${inside.length} of ${OFFICE} sign in meanwhile from ${address}`)
    const refused = (await flood).filter(({ status }) => status === 503).length
    tell('attacker', `is refused ${refused} times by a full queue`)
    const lastAt = Math.max(...inside.map(({ answeredAt }) => answeredAt))
    return {
      group: {},
      crossedAt: crossing.at,
      refusedAt: inside.length === OFFICE ? lastAt : undefined,
      innocent: [
        networkGroup(address),
        ...mornings.flatMap((answer) => (answer.kind === 'in' ? [{ '@sid': answer.session.sid }] : [])),
      ],
    }
  },
}

function signInAt({ kind, baseUrl }: Target, email: string, password: string): Outgoing {
  const account = { email, password }
  if (kind === 'functions') {
    const headers = { 'content-type': 'application/json' }
    return { method: 'POST', path: '/api/auth/login', headers, body: JSON.stringify(account), impatient: true }
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: baseUrl }
  const body = new URLSearchParams({ ...account, hints: '' }).toString()
  return { method: 'POST', path: '/login', headers, body, impatient: true }
}
