import { LEARNING } from '../shared/geo/travel.ts'
import type { Source } from './kit/access-record.ts'
import { BenignRefused, type Context, type Group, type Twin } from './kit/attack.ts'
import { castPerson, type Person } from './kit/cast.ts'
import type { Client } from './kit/clients/client.ts'
import { chromeOnMac, chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'

/** People who are, or seem to be, far from their last place. */
export const twin: Twin = {
  title: 'A colleague on the VPN, another on a train, and a newcomer',
  does: `Three people sign in from several places within minutes. One uses the company's VPN, whose listed exit is on the other side of the world. One uses a phone on a train. One is new, and signs in from two continents before the account has learnt a place.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const onVpn = castPerson(random)
    const onTrain = castPerson(random)
    const newcomer = castPerson(random)
    const sids: string[] = []
    const signIn = async (person: Person, from: Source, where: string) => {
      sids.push(await comeIn(context.client(from), person))
      tell(person.name, `signs in ${where}: ${from.address}`)
    }

    const office = { device: chromeOnWindows(), address: await addresses.ordinary() }
    await context.client(office).register(onVpn)
    await signInDaily(onVpn, office, context)
    await signIn(onVpn, { ...office, address: await addresses.vpn() }, 'through the VPN')
    await signIn(onVpn, office, 'without it')

    const home = { device: chromeOnMac(), address: await addresses.ordinary() }
    await context.client(home).register(onTrain)
    await signInDaily(onTrain, home, context)
    await signIn(onTrain, { ...home, address: await addresses.mobile() }, 'on a train')
    await signIn(onTrain, { ...home, address: await addresses.ordinary() }, 'one town further')

    const hotel = { device: firefoxOnLinux(), address: await addresses.distant() }
    await context.client(hotel).register(newcomer)
    await signIn(newcomer, hotel, 'for the first time')
    await signIn(newcomer, { ...hotel, address: await addresses.ordinary() }, 'for the second, a continent away')

    const groups: Group[] = sids.map((sid) => ({ '@sid': sid }))
    const signIns = 2 * LEARNING.logins + sids.length
    return {
      groups,
      leaves: [
        { query: '@evt:register @outcome:success', atLeast: 3 },
        { query: '@evt:login @outcome:success', atLeast: signIns },
        { query: '@evt:session @outcome:new', atLeast: signIns },
        { query: '@evt:session @outcome:seen', atLeast: sids.length },
      ],
    }
  },
}

/**
 * Signs in from one place as often as the account needs to learn that place.
 * @returns the browser of the last sign-in
 */
export async function signInDaily(person: Person, from: Source, context: Context): Promise<Client> {
  let browser = context.client(from)
  for (let day = 0; day < LEARNING.logins; day++) {
    browser = context.client(from)
    await comeIn(browser, person)
  }
  return browser
}

/** @returns the session's sid */
async function comeIn(browser: Client, person: Person): Promise<string> {
  const answer = await browser.signIn(person)
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  const visit = await browser.visit()
  if (visit.kind === 'out') throw new BenignRefused(`${person.name} was signed out at once: ${visit.words}`)
  return answer.session.sid
}
