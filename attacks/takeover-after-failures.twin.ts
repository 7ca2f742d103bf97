import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Context, type Twin } from './kit/attack.ts'
import { castPerson, mistype, type Person } from './kit/cast.ts'
import type { Client } from './kit/clients/client.ts'
import { chromeOnWindows, safariOnIphone } from './kit/clients/devices.ts'

/** The number of the attack, on a device that the account knows. */
const ON_THE_LAPTOP = 6
/** One fewer than is flagged, on a device that it does not know yet. */
const ON_THE_PHONE = 4

/** An owner who mistypes and then gives the right password. */
export const twin: Twin = {
  title: 'An owner who mistypes the password on two devices',
  does: `Mistypes the password ${ON_THE_LAPTOP} times on the usual laptop and signs in. Then signs in on a new phone at home at the fifth try.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
    const address = await addresses.ordinary()
    const laptop = context.client({ device: chromeOnWindows(), address })
    await laptop.register(person)
    const sids = [await comeIn(laptop, person)]
    tell(person.name, `signs in on a laptop, at ${address}`)
    await slip(laptop, person, ON_THE_LAPTOP, context)
    sids.push(await comeIn(laptop, person))
    tell(person.name, `mistypes ${ON_THE_LAPTOP} times on the same laptop, then signs in`)
    const phone = context.client({ device: safariOnIphone(), address })
    await slip(phone, person, ON_THE_PHONE, context)
    sids.push(await comeIn(phone, person))
    tell(person.name, `mistypes ${ON_THE_PHONE} times on a new phone, then signs in there too`)
    return {
      groups: [networkGroup(address), ...sids.map((sid) => ({ '@sid': sid }))],
      leaves: [
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: ON_THE_LAPTOP + ON_THE_PHONE },
        { query: '@evt:login @outcome:success', atLeast: sids.length },
        { query: '@evt:session @outcome:new', atLeast: sids.length },
        { query: '@evt:session @outcome:seen', atLeast: sids.length },
      ],
    }
  },
}

async function slip(browser: Client, person: Person, times: number, { random }: Context): Promise<void> {
  for (let slips = 0; slips < times; slips++) {
    const answer = await browser.signIn({ ...person, password: mistype(person.password, random) })
    if (answer.kind === 'in') throw new Error('a mistyped password was accepted')
  }
}

/** @returns the session's sid */
async function comeIn(browser: Client, person: Person): Promise<string> {
  const answer = await browser.signIn(person)
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  const visit = await browser.visit()
  if (visit.kind === 'out') throw new BenignRefused(`${person.name} was signed out at once: ${visit.words}`)
  return answer.session.sid
}
