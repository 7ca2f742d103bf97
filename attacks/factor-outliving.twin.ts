import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows, safariOnIphone } from './kit/clients/devices.ts'
import { passPassword, reauthenticate, turnOnAuthenticator } from './kit/second-factor.ts'
import { openSession } from './kit/sessions.ts'

export const twin: Twin = {
  title: 'An owner with two devices who turns a second factor on',
  does: 'Somebody is signed in on a laptop and on a phone, and turns a second factor on. The laptop stays signed in; the phone is asked for the password and a code, and signs in.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
    const home = await addresses.ordinary()
    const laptop = context.client({ device: chromeOnWindows(), address: home })
    const pocket = context.client({ device: safariOnIphone(), address: home })
    await laptop.register(person)
    await openSession(laptop, person)
    const { sid } = await openSession(pocket, person)
    const strong = await reauthenticate(laptop, person)
    const codes = await turnOnAuthenticator(laptop, context)
    context.carries(person, codes)
    if ((await laptop.visit()).kind === 'out') throw new BenignRefused(`${person.name} was signed out on the laptop`)
    tell(person.name, 'turns a second factor on, on the laptop, and stays signed in there')
    await pocket.visit()
    await passPassword(pocket, person)
    const again = await pocket.enterCode(await codes.next())
    if (again.kind === 'refused') throw new BenignRefused(`${person.name} was kept out on the phone: ${again.status}`)
    tell(person.name, 'is asked for the password and a code on the phone, and signs in')
    return {
      groups: [networkGroup(home), ...[sid, strong.sid, again.session.sid].map((one) => ({ '@sid': one }))],
      leaves: [
        { query: '@evt:mfa @outcome:enabled', atLeast: 1 },
        { query: '@evt:session @outcome:revoked @reason:factor_changed', atLeast: 1 },
        { query: '@evt:mfa @outcome:success', atLeast: 1 },
      ],
    }
  },
}
