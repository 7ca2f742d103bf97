import type { Attack } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
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
  robsYou: true,
  does: 'Replays a stolen session cookie (web) or bearer token (functions) from another device and address: no password, no second factor, nothing that a login page could refuse.',
  trips: 'session-reuse',
  runbook: 'runbooks/ATO-002-session-reuse.md',
  twin,

  async attack(target, context) {
    const { addresses, random, mine, tell } = context
    if (mine) tell('you', 'are signed in, and your page stays open: look at it')
    const stolen = mine ?? (await openOnTwoDevices(castPerson(random), context)).stolen

    // A device of another kind than the victim's.
    const device = mine?.userAgent.includes('Firefox') ? chromeOnWindows() : firefoxOnLinux()
    const source = { device, address: await addresses.attacker() }
    const thief = context.intruder(source)
    thief.hold(stolen)
    tell(
      'thief',
      `has ${mine ? 'your' : "the laptop's"} ${CREDENTIAL_NAMES[target.kind]} and replays it: ${source.device.name} at ${source.address}`,
    )
    const crossing = context.crossing({ '@sid': stolen.sid }, 'the first replay')
    const isIn = 'is in: the account is open, without a password'
    const refusedAt = await useUntilRefused(thief, { name: 'thief', isIn }, crossing, context)

    return { group: { '@sid': stolen.sid }, crossedAt: crossing.at, refusedAt, lost: [stolen.sid] }
  },
}
