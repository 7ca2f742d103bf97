import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Group, type Twin } from './kit/attack.ts'
import { castPerson, leakedLogin } from './kit/cast.ts'
import { chromeOnWindows, OFFICE_DEVICES, safariOnIphone } from './kit/clients/devices.ts'
import { openSession } from './kit/sessions.ts'

/** Besides the laptop on which the account was opened. */
const OTHERS = 8

export const twin: Twin = {
  title: 'An owner with many devices who changes the password',
  does: `Somebody is signed in on a laptop and on ${OTHERS} other devices, changes the password on the laptop, and signs in with the new one on the phone.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
    const { password: next } = leakedLogin(random)
    const home = await addresses.ordinary()
    const laptop = context.client({ device: chromeOnWindows(), address: home })
    const phone = context.client({ device: safariOnIphone(), address: home })
    await laptop.register(person)
    const groups: Group[] = [networkGroup(home)]
    for (const client of [laptop, phone]) groups.push({ '@sid': (await openSession(client, person)).sid })
    for (let n = 1; n < OTHERS; n++) {
      const other = context.client({ device: random.pick(OFFICE_DEVICES)(), address: home })
      groups.push({ '@sid': (await openSession(other, person)).sid })
    }
    const changed = await laptop.changePassword(person, next)
    if (changed.kind === 'refused') throw new BenignRefused(`the password could not be changed: ${changed.status}`)
    tell(person.name, `changes the password on the laptop, signed in on ${OTHERS} other devices`)
    const again = await phone.signIn({ ...person, password: next })
    if (again.kind === 'refused') throw new BenignRefused(`${person.name} was kept out on the phone: ${again.status}`)
    for (const { session } of [changed, again]) groups.push({ '@sid': session.sid })
    return {
      groups,
      leaves: [
        { query: '@evt:session @outcome:new', atLeast: OTHERS + 3 },
        { query: '@evt:credential @outcome:success @action:password_changed', atLeast: 1 },
      ],
    }
  },
}
