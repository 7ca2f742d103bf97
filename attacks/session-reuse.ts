import type { Attack } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { firefoxOnLinux } from './kit/clients/devices.ts'
import { CREDENTIAL_NAMES, openOnTwoDevices } from './kit/sessions.ts'
import { useUntilRefused } from './kit/until-refused.ts'
import { twin } from './session-reuse.twin.ts'

export const sessionReuse: Attack = {
  slug: 'session-reuse',
  title: 'Stolen session',
  techniques: [
    { id: 'T1539', name: 'Steal Web Session Cookie' },
    { id: 'T1550.004', name: 'Use Alternate Authentication Material: Web Session Cookie' },
  ],
  targets: ['web', 'functions'],
  does: 'Replays a stolen session cookie (web) or bearer token (functions) from another device and address: no password, no second factor, nothing that a login page could refuse.',
  trips: 'session-reuse',
  runbook: 'runbooks/ATO-002-session-reuse.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const { stolen } = await openOnTwoDevices(victim, context)

    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(source)
    thief.hold(stolen)
    tell(
      'thief',
      `has the laptop's ${CREDENTIAL_NAMES[target.kind]} and replays it: ${source.device.name} at ${source.address}`,
    )
    const crossing = context.crossing({ '@sid': stolen.sid }, 'the first replay')
    const isIn = 'is in: the account is open, without a password'
    const refusedAt = await useUntilRefused(thief, { name: 'thief', isIn }, crossing, context)

    return { group: { '@sid': stolen.sid }, crossedAt: crossing.at, refusedAt, lost: [stolen.sid] }
  },
}
