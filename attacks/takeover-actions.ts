import type { Attack } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { createAuthenticator } from './kit/clients/authenticator.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { reauthenticate } from './kit/second-factor.ts'
import { useUntilRefused } from './kit/until-refused.ts'
import { twin } from './takeover-actions.twin.ts'

export const takeoverActions: Attack = {
  slug: 'takeover-actions',
  title: 'A second factor set up with a stolen password',
  techniques: [
    { id: 'T1098', name: 'Account Manipulation' },
    { id: 'T1556.006', name: 'Modify Authentication Process: Multi-Factor Authentication' },
  ],
  targets: ['web', 'functions'],
  does: 'Signs in with a stolen password from a device that the account has never seen, and sets up an authenticator at once. From then on the account requires codes from the thief’s phone. The containment ends the thief’s session. The owner undoes the change in an older session, which a new device cannot end.',
  trips: 'takeover-actions',
  runbook: 'runbooks/ATO-014-takeover-actions.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    if ((await browser.signIn(victim)).kind === 'refused') throw new RequestFailed('a new account could not sign in')
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(source)
    const entry = await thief.signIn(victim)
    if (entry.kind === 'refused') throw new RequestFailed(`the right password was refused: ${entry.status}`)
    tell(
      'thief',
      `has the password and a device that is new to the account: ${source.device.name} at ${source.address}`,
    )
    const { sid } = await reauthenticate(thief, victim)
    const phone = createAuthenticator(await thief.enrol(), context.signal)
    const code = await phone.next()
    const group = { '@sid': sid }
    const crossing = context.crossing(group, 'the enrolment')
    await thief.confirm(code)
    const isIn = 'is in, and the account now asks for codes of the thief’s phone'
    const refusedAt = await useUntilRefused(thief, { name: 'thief', isIn }, crossing, context)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt }
  },
}
