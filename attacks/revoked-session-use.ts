import { networkGroup } from './kit/addresses.ts'
import type { Attack } from './kit/attack.ts'
import { castPeople, castPerson, mistype } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { CREDENTIAL_NAMES, openSession, present, presentUntilRefused, registerAtHome } from './kit/sessions.ts'
import { refusalIn, type TryOne, tryLast, tryUntilRefused } from './kit/try-passwords.ts'
import { twin } from './revoked-session-use.twin.ts'

/** The detection alerts on more uses of a contained session than these. */
const UNNOTICED = 3
/** People whose passwords were stolen too. Each is tried once, because a sign-in may issue a device token, which a block spares. */
const OTHERS = 6
export const revokedSessionUse: Attack = {
  slug: 'revoked-session-use',
  title: 'A stolen session used after its containment',
  techniques: [{ id: 'T1550.004', name: 'Use Alternate Authentication Material: Web Session Cookie' }],
  targets: ['web', 'functions'],
  does: 'Replays a stolen session until it is contained, and continues after that. Malware that steals cookies also steals saved passwords, so those are tried next.',
  trips: 'revoked-session-use',
  runbook: 'runbooks/ATO-011-revoked-session-use.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const others = castPeople(OTHERS, random)
    const desk = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const laptop = context.client(desk)
    await laptop.register(victim)
    await registerAtHome(others, context)
    const stolen = await openSession(laptop, victim)
    tell(victim.name, `signs in on a laptop: ${desk.device.name} at ${desk.address}`)

    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(source)
    tell(
      'thief',
      `has the laptop's ${CREDENTIAL_NAMES[target.kind]} and replays it: ${source.device.name} at ${source.address}`,
    )
    const { status, words } = await presentUntilRefused(thief, stolen, context)
    tell('thief', `is out: ${status}, "${words}"; the script continues`)
    for (let uses = 1; uses < UNNOTICED; uses++) await present(thief, stolen)
    const tryOne: TryOne = (account) => context.intruder(source).signIn(account)
    const wrong = refusalIn([await tryOne({ ...victim, password: mistype(victim.password, random) })])
    tell('thief', `has used it ${UNNOTICED} times since, and a wrong password is answered ${wrong.status}`)

    const group = networkGroup(source.address)
    const crossing = context.crossing(group, 'the fourth use of the contained session')
    await present(thief, stolen)
    await crossing.alerted
    const blocking = { wrong, tryOne, crossing, who: 'thief' }
    const refusedAt = await tryUntilRefused(others, blocking, context)
    const lastAt = await tryLast(victim, blocking, context)
    return { group, crossedAt: crossing.at, refusedAt: refusedAt ?? lastAt, lost: [stolen.sid] }
  },
}
