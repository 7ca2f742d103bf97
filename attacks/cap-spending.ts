import { twin } from './cap-spending.twin.ts'
import type { Source } from './kit/access-record.ts'
import type { ContainedAttack, Context } from './kit/attack.ts'
import { type Account, castPerson, leakedLogin } from './kit/cast.ts'
import type { Session } from './kit/clients/client.ts'
import { chromeOnMac, chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { CREDENTIAL_NAMES, openOnTwoDevices, presentUntilRefused } from './kit/sessions.ts'
import { useUntilRefused } from './kit/until-refused.ts'

/** The default cap: the number of subjects that one detection contains within ten minutes. */
const CAP = 25

export const capSpending: ContainedAttack = {
  slug: 'cap-spending',
  title: 'Stolen session, after the cap on containments has been used up',
  techniques: [
    { id: 'T1539', name: 'Steal Web Session Cookie' },
    { id: 'T1550.004', name: 'Use Alternate Authentication Material: Web Session Cookie' },
  ],
  targets: ['web', 'functions'],
  does: `Signs in ${CAP} times to the attacker's own account and "steals" each session from another device. That is the number of containments that one detection carries out in ten minutes. Then replays a session that is really stolen. It is still contained, because an owner counts only once against the cap.`,
  trips: 'session-reuse',
  runbook: 'runbooks/ATO-002-session-reuse.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const { stolen } = await openOnTwoDevices(victim, context)

    const own = leakedLogin(random)
    const home = { device: chromeOnMac(), address: await addresses.attacker() }
    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    await context.intruder(home).register(own)
    let last = await stealOwn(own, home, source, context)
    for (let n = 1; n < CAP; n++) last = await stealOwn(own, home, source, context)
    await presentUntilRefused(context.intruder({ ...source, device: chromeOnWindows() }), last, context)
    tell('attacker', `has made ${CAP} sessions of an own account be contained, from ${source.address}`)

    const second = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(second)
    thief.hold(stolen)
    tell(
      'thief',
      `has the laptop's ${CREDENTIAL_NAMES[target.kind]} and replays it: ${second.device.name} at ${second.address}`,
    )
    const group = { '@sid': stolen.sid }
    const crossing = context.crossing(group, 'the first replay')
    const isIn = 'is in: the account is open, without a password'
    const refusedAt = await useUntilRefused(thief, { name: 'thief', isIn }, crossing, context)
    return { group, crossedAt: crossing.at, refusedAt, lost: [stolen.sid] }
  },
}

/** @throws RequestFailed when the account's own sign-in is refused */
async function stealOwn(own: Account, home: Source, source: Source, context: Context): Promise<Session> {
  const answer = await context.intruder(home).signIn(own)
  if (answer.kind === 'refused') throw new RequestFailed(`an account's own sign-in was refused: ${answer.status}`)
  const thief = context.intruder(source)
  thief.hold(answer.session)
  await thief.visit()
  return answer.session
}
