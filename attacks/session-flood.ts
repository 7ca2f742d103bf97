import type { ContainedAttack } from './kit/attack.ts'
import { castPerson, leakedLogin } from './kit/cast.ts'
import type { Client } from './kit/clients/client.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { onceContained, useUntilRefused } from './kit/until-refused.ts'
import { twin } from './session-flood.twin.ts'

/** More right sign-ins than an account may make in fifteen minutes, and more sessions than it may have. */
const SIGN_INS = 36

export const sessionFlood: ContainedAttack = {
  slug: 'session-flood',
  title: 'A stolen password changed after many sign-ins',
  techniques: [
    { id: 'T1098', name: 'Account Manipulation' },
    { id: 'T1556.006', name: 'Modify Authentication Process: Multi-Factor Authentication' },
  ],
  targets: ['web', 'functions'],
  does: `Signs in ${SIGN_INS} times with a stolen password and then changes it. If ending that many sessions took longer than a store allows, the change would be made without its event and would not be detected. Sign-ins and sessions are limited, and the event is written as soon as the database has committed.`,
  trips: 'takeover-actions',
  runbook: 'runbooks/ATO-014-takeover-actions.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const { password: next } = leakedLogin(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    if ((await browser.signIn(victim)).kind === 'refused') throw new RequestFailed('a new account could not sign in')
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const inside: { thief: Client; sid: string }[] = []
    for (let n = 0; n < SIGN_INS; n++) {
      const thief = context.intruder(source)
      const answer = await thief.signIn(victim)
      if (answer.kind === 'in') inside.push({ thief, sid: answer.session.sid })
    }
    tell('thief', `has the password, tries ${SIGN_INS} sign-ins, and ${inside.length} are accepted: ${source.address}`)
    const last = inside.at(-1)
    if (!last || inside.length === SIGN_INS) throw new RequestFailed('the number of right sign-ins is not limited')
    const group = { '@sid': last.sid }
    const crossing = context.crossing(group, 'the change of the password')
    const changed = await last.thief.changePassword(victim, next)
    const isIn = 'is in, and the account has a password that its owner does not know'
    const refusedAt =
      changed.kind === 'refused'
        ? await onceContained(changed, crossing)
        : await useUntilRefused(last.thief, { name: 'thief', isIn }, crossing, context)
    if (changed.kind === 'refused')
      tell('thief', `has changed it, and is out before the answer: ${changed.status}`, refusedAt)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt, restored: [victim.email] }
  },
}
