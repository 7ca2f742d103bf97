import type { ContainedAttack } from './attack.ts'
import { type Account, castPeople, leakedList, type Person } from './cast.ts'
import type { Client } from './clients/client.ts'
import { chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { twin } from './session-flood.twin.ts'
import { onceContained, stayUntilRefused } from './stay.ts'

/** More right sign-ins than an account is given in fifteen minutes, and more sessions than it may have. */
const SIGN_INS = 36

export const sessionFlood: ContainedAttack = {
  slug: 'session-flood',
  title: 'A stolen password changed behind a heap of sessions',
  techniques: [
    { id: 'T1098', name: 'Account Manipulation' },
    { id: 'T1556.006', name: 'Modify Authentication Process: Multi-Factor Authentication' },
  ],
  targets: ['web', 'functions'],
  does: `Signs in ${SIGN_INS} times with a stolen password and then changes it. If ending so many sessions took longer than a store allows, the change would be made without its event, and nobody would be told. Sign-ins and sessions are bounded, and the event is written as soon as the database has said yes.`,
  trips: 'takeover-actions',
  runbook: 'runbooks/ATO-014-takeover-actions.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const [victim] = castPeople(1, random) as [Person]
    const [{ password: next }] = leakedList(1, random) as [Account]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    if ((await browser.signIn(victim)).kind === 'refused') throw new RequestFailed('a new account could not sign in')
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const lair = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const inside: { thief: Client; sid: string }[] = []
    for (let n = 0; n < SIGN_INS; n++) {
      const thief = context.intruder(lair)
      const answer = await thief.signIn(victim)
      if (answer.kind === 'in') inside.push({ thief, sid: answer.session.sid })
    }
    tell('thief', `has the password, signs in ${SIGN_INS} times, and is let in ${inside.length} times: ${lair.address}`)
    const last = inside.at(-1)
    if (!last || inside.length === SIGN_INS) throw new RequestFailed('right sign-ins are not limited')
    const group = { '@sid': last.sid }
    const crossing = context.crossing(group, 'the change of the password')
    const changed = await last.thief.changePassword(victim, next)
    const isIn = 'is in, and the account has a password that its owner does not know'
    const refusedAt =
      changed.kind === 'refused'
        ? await onceContained(changed, crossing)
        : await stayUntilRefused(last.thief, { name: 'thief', isIn }, crossing, context)
    if (changed.kind === 'refused')
      tell('thief', `has changed it, and is out before the answer: ${changed.status}`, refusedAt)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt, restored: [victim.email] }
  },
}
