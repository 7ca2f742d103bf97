import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, leakedLogin } from './kit/cast.ts'
import { chromeOnMac, safariOnIphone } from './kit/clients/devices.ts'

/**
 * The phone's tries with the old password. The change of the password revoked its device token, so after a fifth failure
 * the next right password would be `after_failures`.
 */
const TRIES = 4

/** Regular failures of one account that a program causes. */
export const twin: Twin = {
  title: 'A mail client with the old password',
  does: `Somebody changes the password on a laptop. The phone tries the old one ${TRIES} more times, until its owner enters the new one.`,

  async act(_target, context) {
    const { addresses, insider, random, tell } = context
    const person = castPerson(random)
    const { password: next } = leakedLogin(random)
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
    tell(person.name, 'enters the new one on the phone, and is signed in')
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
