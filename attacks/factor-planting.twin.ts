import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, leakedLogin } from './kit/cast.ts'
import { chromeOnMac } from './kit/clients/devices.ts'
import { openWithAuthenticator } from './kit/second-factor.ts'

export const twin: Twin = {
  title: 'An owner who sets up a second factor on the first day',
  does: 'Somebody signs in, gives the password again, sets up an authenticator within the same minutes, and then changes the password. The owner may do everything that the thief attempts.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
    const { password: next } = leakedLogin(random)
    const home = { device: chromeOnMac(), address: await addresses.ordinary() }
    const browser = context.client(home)
    const { session, phone } = await openWithAuthenticator(browser, person, context)
    tell(person.name, `has an authenticator, minutes after the first sign-in: ${home.address}`)
    await browser.signOut()
    const half = await browser.givePassword(person)
    if (half.kind !== 'challenged') throw new BenignRefused(`${person.name} is not asked for a code`)
    const inside = await browser.enterCode(await phone.next())
    if (inside.kind === 'refused') throw new BenignRefused(`the right code was refused: ${inside.status}`)
    const changed = await browser.changePassword(person, next)
    if (changed.kind === 'refused') throw new BenignRefused(`the password could not be changed: ${changed.status}`)
    tell(person.name, 'signs in with a code, and changes the password')
    return {
      groups: [
        networkGroup(home.address),
        ...[session, inside.session, changed.session].map(({ sid }) => ({ '@sid': sid })),
      ],
      leaves: [
        { query: '@evt:mfa @outcome:enabled', atLeast: 1 },
        { query: '@evt:credential @outcome:success @action:password_changed', atLeast: 1 },
      ],
    }
  },
}
