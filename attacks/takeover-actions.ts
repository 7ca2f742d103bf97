import type { Attack } from './attack.ts'
import { castPeople, type Person } from './cast.ts'
import { createAuthenticator } from './clients/authenticator.ts'
import { chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { proveAgain } from './second-factor.ts'
import { stayUntilRefused } from './stay.ts'
import { twin } from './takeover-actions.twin.ts'

export const takeoverActions: Attack = {
  slug: 'takeover-actions',
  title: 'A stolen password made to last',
  techniques: [
    { id: 'T1098', name: 'Account Manipulation' },
    { id: 'T1556.006', name: 'Modify Authentication Process: Multi-Factor Authentication' },
  ],
  targets: ['web', 'functions'],
  does: 'Signs in with a stolen password from a device that the account has never seen, and sets up an authenticator at once. From then on the password opens nothing without the thief’s phone. The containment ends the thief’s session. The owner undoes the change in a session from before, which a new device cannot end.',
  trips: 'takeover-actions',
  runbook: 'runbooks/ATO-014-takeover-actions.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const [victim] = castPeople(1, random) as [Person]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    if ((await browser.signIn(victim)).kind === 'refused') throw new RequestFailed('a new account could not sign in')
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const lair = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(lair)
    const entry = await thief.signIn(victim)
    if (entry.kind === 'refused') throw new RequestFailed(`the right password was refused: ${entry.status}`)
    tell('thief', `has the password, and a device that is new here: ${lair.device.name} at ${lair.address}`)
    const { sid } = await proveAgain(thief, victim)
    const phone = createAuthenticator(await thief.enrol(), context.signal)
    const code = await phone.next()
    const group = { '@sid': sid }
    const crossing = context.crossing(group, 'the enrolment')
    await thief.confirm(code)
    const isIn = 'is in, and the account asks for codes of the thief’s phone from now on'
    const refusedAt = await stayUntilRefused(thief, { name: 'thief', isIn }, crossing, context)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt }
  },
}
