import type { ContainedAttack, Context } from './attack.ts'
import { twin } from './cap-spending.twin.ts'
import { type Account, castPeople, leakedList, type Person } from './cast.ts'
import type { Session } from './clients/client.ts'
import { chromeOnMac, chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { LOOT, openOnTwoDevices, presentUntilRefused } from './sessions.ts'
import { stayUntilRefused } from './stay.ts'

/** As many subjects as one detection contains within ten minutes, where nothing else is configured. */
const CAP = 25

export const capSpending: ContainedAttack = {
  slug: 'cap-spending',
  title: 'Stolen session, after the containments have been used up',
  techniques: [
    { id: 'T1539', name: 'Steal Web Session Cookie' },
    { id: 'T1550.004', name: 'Use Alternate Authentication Material: Web Session Cookie' },
  ],
  targets: ['web', 'functions'],
  does: `Signs in ${CAP} times to an account of the attacker's own and "steals" each session from another device, which is as many containments as one detection carries out in ten minutes. Then replays a session that is really stolen. It is contained all the same, because an owner counts once against the cap.`,
  trips: 'session-reuse',
  runbook: 'runbooks/ATO-002-session-reuse.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const [victim] = castPeople(1, random) as [Person]
    const { stolen } = await openOnTwoDevices(victim, context)

    const [own] = leakedList(1, random) as [Account]
    const home = { device: chromeOnMac(), address: await addresses.attacker() }
    const lair = { device: firefoxOnLinux(), address: await addresses.attacker() }
    await context.intruder(home).register(own)
    const sessions: Session[] = []
    for (let n = 0; n < CAP; n++) sessions.push(await stealOwn(own, home, lair, context))
    const last = sessions.at(-1) as Session
    await presentUntilRefused(context.intruder({ ...lair, device: chromeOnWindows() }), last, context)
    tell('attacker', `has had ${CAP} sessions of an own account contained, from ${lair.address}`)

    const den = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(den)
    thief.hold(stolen)
    tell('thief', `has the laptop's ${LOOT[target.kind]} and replays it: ${den.device.name} at ${den.address}`)
    const group = { '@sid': stolen.sid }
    const crossing = context.crossing(group, 'the first replay')
    const isIn = 'is in: the account is open, without a password'
    const refusedAt = await stayUntilRefused(thief, { name: 'thief', isIn }, crossing, context)
    return { group, crossedAt: crossing.at, refusedAt, lost: [stolen.sid] }
  },
}

type From = Parameters<Context['intruder']>[0]

/** @throws RequestFailed when the account's own sign-in is refused */
async function stealOwn(own: Account, home: From, lair: From, context: Context): Promise<Session> {
  const answer = await context.intruder(home).signIn(own)
  if (answer.kind === 'refused') throw new RequestFailed(`an account's own sign-in was refused: ${answer.status}`)
  const thief = context.intruder(lair)
  thief.hold(answer.session)
  await thief.visit()
  return answer.session
}
