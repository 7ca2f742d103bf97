import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, mistype } from './kit/cast.ts'
import { userOf } from './kit/clients/client.ts'
import { chromeOnMac } from './kit/clients/devices.ts'
import { openWithAuthenticator, passPassword } from './kit/second-factor.ts'

const SLOW_SECONDS = 120
const SLIPS = 2

/** A person whose phone shows the wrong time. */
export const twin: Twin = {
  title: 'A phone with a slow clock, and typing mistakes',
  does: `Signs in with the right password and a code from a phone that is ${SLOW_SECONDS / 60} minutes slow, twice. Then sets its clock, mistypes the next code ${SLIPS} times, and signs in with the last allowed try.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
    const address = await addresses.ordinary()
    const browser = context.client({ device: chromeOnMac(), address })
    const { session, phone } = await openWithAuthenticator(browser, person, context)
    await browser.signOut()
    tell(person.name, `has set up an authenticator, and signs in again: ${address}`)

    await passPassword(browser, person)
    const refused = async (code: string) => {
      if ((await browser.enterCode(code)).kind === 'in') throw new Error('a wrong code was accepted')
    }
    for (let tries = 0; tries < 2; tries++) await refused(await phone.shown(-SLOW_SECONDS))
    tell(person.name, `enters the phone's code twice; its clock is ${SLOW_SECONDS / 60} minutes slow`)
    for (let slips = 0; slips < SLIPS; slips++) await refused(mistype(await phone.shown(), random))
    const answer = await browser.enterCode(await phone.next())
    if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
    const visit = await browser.visit()
    if (visit.kind === 'out') throw new BenignRefused(`${person.name} was signed out at once: ${visit.words}`)
    tell(person.name, `sets the clock, mistypes ${SLIPS} times, and signs in`)
    return {
      groups: [
        { '@usr.id': userOf(session) },
        networkGroup(address),
        ...[session, answer.session].map(({ sid }) => ({ '@sid': sid })),
      ],
      leaves: [
        { query: '@evt:mfa @outcome:enabled', atLeast: 1 },
        { query: '@evt:login @outcome:challenge', atLeast: 1 },
        { query: '@evt:mfa @outcome:fail @reason:wrong_code', atLeast: 2 + SLIPS },
        { query: '@evt:mfa @outcome:success', atLeast: 1 },
      ],
    }
  },
}
