import { networkGroup } from './addresses.ts'
import { BenignRefused, type Twin } from './attack.ts'
import { type Account, castPeople, leakedList, type Person } from './cast.ts'
import { chromeOnMac, safariOnIphone } from './clients/devices.ts'

/**
 * The phone's own tries with its old password. The change of the password revoked its device token, so a fifth failure
 * would make the next right password `after_failures`.
 */
const TRIES = 4

/** Failures of one account that come by themselves, evenly, and mean nobody harm. */
export const twin: Twin = {
  title: 'A mail client with the old password',
  does: `Somebody changes the password on a laptop. The phone, which knew the old one, goes on trying it: ${TRIES} times, until its owner types in the new one.`,

  async act(_target, context) {
    const { addresses, insider, random, tell } = context
    const [person] = castPeople(1, random) as [Person]
    const [{ password: next }] = leakedList(1, random) as [Account]
    const address = await addresses.ordinary()
    const laptop = context.client({ device: chromeOnMac(), address })
    const phone = context.client({ device: safariOnIphone(), address })
    await laptop.register(person)
    for (const device of [laptop, phone]) {
      const answer = await device.signIn(person)
      if (answer.kind === 'refused') throw new BenignRefused(`${person.name} could not sign in: ${answer.status}`)
    }
    tell(person.name, `signs in on a laptop and on a phone, at ${address}`)
    const changed = await laptop.changePassword(person, next)
    if (changed.kind === 'refused') throw new BenignRefused(`the password could not be changed: ${changed.status}`)
    tell(person.name, 'changes the password on the laptop')

    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await phone.signIn(person)
      if (answer.kind === 'in') throw new Error('a password was accepted after it was changed')
    }
    tell('phone', `tries the old password ${TRIES} times`)
    const mended = await phone.signIn({ ...person, password: next })
    if (mended.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${mended.status}`)
    if ((await laptop.visit()).kind === 'out') throw new BenignRefused(`${person.name} was signed out on the laptop`)
    tell(person.name, 'types the new one in on the phone, and is in')
    return {
      groups: [
        networkGroup(address),
        { '@sid': mended.session.sid },
        { '@sid': changed.session.sid },
        ...(insider ? [{ '@login_hash': await insider.loginHash(person.email) }] : []),
      ],
      leaves: [
        { query: '@evt:credential @action:password_changed @outcome:success', atLeast: 1 },
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: TRIES },
        { query: '@evt:login @outcome:success', atLeast: 3 },
      ],
    }
  },
}
