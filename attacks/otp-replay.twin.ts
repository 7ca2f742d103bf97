import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, type Person } from './kit/cast.ts'
import { type Client, type Session, type SignIn, userOf } from './kit/clients/client.ts'
import { chromeOnMac, safariOnIphone } from './kit/clients/devices.ts'
import { openWithAuthenticator, passPassword } from './kit/second-factor.ts'

/** A person who uses one code on two devices. */
export const twin: Twin = {
  title: 'One code for the laptop and for the phone',
  does: 'Signs in on a laptop with a code, and at once on a phone in a mobile network with the same code. It is refused there, because it was already used. The next code is accepted.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
    const home = await addresses.ordinary()
    const laptop = context.client({ device: chromeOnMac(), address: home })
    const { session, phone: app } = await openWithAuthenticator(laptop, person, context)
    await laptop.signOut()

    const code = await app.next()
    await passPassword(laptop, person)
    const onLaptop = await mustBeIn(laptop, await laptop.enterCode(code), person)
    tell(person.name, `signs in on the laptop, with a code: ${home}`)

    const mobile = await addresses.mobile()
    const phone = context.client({ device: safariOnIphone(), address: mobile })
    await passPassword(phone, person)
    if ((await phone.enterCode(code)).kind === 'in') throw new Error('the same code was accepted twice')
    tell(person.name, `types the same code on the phone, and is refused: ${mobile}`)
    const onPhone = await mustBeIn(phone, await phone.enterCode(await app.next()), person)
    tell(person.name, 'waits for the next code, and is signed in on both')
    return {
      groups: [
        { '@usr.id': userOf(session) },
        ...[home, mobile].map((address) => networkGroup(address)),
        ...[session, onLaptop, onPhone].map(({ sid }) => ({ '@sid': sid })),
      ],
      leaves: [
        { query: '@evt:login @outcome:challenge', atLeast: 2 },
        { query: '@evt:mfa @outcome:fail @reason:replayed_code', atLeast: 1 },
        { query: '@evt:mfa @outcome:success', atLeast: 2 },
        { query: '@evt:session @outcome:seen', atLeast: 2 },
      ],
    }
  },
}

/** @returns the session, which is used once */
async function mustBeIn(browser: Client, answer: SignIn, person: Person): Promise<Session> {
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  const visit = await browser.visit()
  if (visit.kind === 'out') throw new BenignRefused(`${person.name} was signed out at once: ${visit.words}`)
  return answer.session
}
