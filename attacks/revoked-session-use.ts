import { networkGroup } from './addresses.ts'
import type { Attack } from './attack.ts'
import { refusalIn, type TryOne, tryLast, tryUntilRefused } from './blocked.ts'
import { castPeople, mistype, type Person } from './cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import { twin } from './revoked-session-use.twin.ts'
import { LOOT, openSession, present, presentUntilRefused, registerAtHome } from './sessions.ts'

/** The detection wants more uses of a contained session than these. */
const UNNOTICED = 3
/** People whose password is in the same loot. Each is tried once: who gets in may be given a device token, which a block spares. */
const OTHERS = 6
export const revokedSessionUse: Attack = {
  slug: 'revoked-session-use',
  title: 'A stolen session that was ended, used on',
  techniques: [{ id: 'T1550.004', name: 'Use Alternate Authentication Material: Web Session Cookie' }],
  targets: ['web', 'functions'],
  does: 'Replays a stolen session until it is contained, and goes on after that. Malware that takes cookies takes the saved passwords too, so those are tried next.',
  trips: 'revoked-session-use',
  runbook: 'runbooks/ATO-011-revoked-session-use.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const [victim, ...others] = castPeople(1 + OTHERS, random) as [Person, ...Person[]]
    const desk = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const laptop = context.client(desk)
    await laptop.register(victim)
    await registerAtHome(others, context)
    const stolen = await openSession(laptop, victim)
    tell(victim.name, `signs in on a laptop: ${desk.device.name} at ${desk.address}`)

    const lair = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(lair)
    tell('thief', `has the laptop's ${LOOT[target.kind]} and replays it: ${lair.device.name} at ${lair.address}`)
    const { status, words } = await presentUntilRefused(thief, stolen, context)
    tell('thief', `is out: ${status}, "${words}"; the script asks on`)
    for (let uses = 1; uses < UNNOTICED; uses++) await present(thief, stolen)
    const tryOne: TryOne = (account) => context.intruder(lair).signIn(account)
    const wrong = refusalIn([await tryOne({ ...victim, password: mistype(victim.password, random) })])
    tell('thief', `has used it ${UNNOTICED} times since, and a wrong password is answered ${wrong.status}`)

    const group = networkGroup(lair.address)
    const crossing = context.crossing(group, 'the fourth use of what was ended')
    await present(thief, stolen)
    await crossing.alerted
    const blocking = { wrong, tryOne, crossing, who: 'thief' }
    const refusedAt = await tryUntilRefused(others, blocking, context)
    const lastAt = await tryLast(victim, blocking, context)
    return { group, crossedAt: crossing.at, refusedAt: refusedAt ?? lastAt, lost: [stolen.sid] }
  },
}
