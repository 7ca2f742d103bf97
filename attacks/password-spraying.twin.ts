import { networkGroup } from './addresses.ts'
import { BenignRefused, type Context, type Twin } from './attack.ts'
import { type Account, castPeople, mistype, type Person } from './cast.ts'
import type { Client } from './clients/client.ts'
import { OFFICE_DEVICES } from './clients/devices.ts'

const PEOPLE = 9
/** How many of them mistype, once each. */
const SLIPS = 7

/** Wrong passwords from one address, each of them another, but for one that two accounts get to see. */
export const twin: Twin = {
  title: 'An office with typos, and somebody with two accounts and an old password',
  does: `${PEOPLE} people sign in behind one address. ${SLIPS} of them mistype a password of their own, once; one has two accounts, tries the password from before the change at both, then remembers the new ones.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const office = await addresses.ordinary()
    const [owner, second, ...people] = castPeople(2 + PEOPLE - 1, random) as [Person, Person, ...Person[]]
    const browserOf = new Map<Account, Client>()
    for (const person of [owner, second, ...people]) browserOf.set(person, openBrowser(office, context))
    await Promise.all([...browserOf].map(([person, browser]) => browser.register(person)))
    tell('office', `${PEOPLE} people come to work behind ${office}`)

    const sids: string[] = []
    const comeIn = async (account: Person) => sids.push(await signIn(account, browserOf.get(account) as Client))
    for (const [at, person] of people.entries()) {
      if (at < SLIPS) await slip(person, mistype(person.password, random), browserOf.get(person) as Client)
      await comeIn(person)
    }
    tell('office', `${SLIPS} of them mistype once, each a password of their own, and get in`)
    const old = mistype(owner.password, random)
    for (const account of [owner, second]) await slip(account, old, browserOf.get(account) as Client)
    tell(owner.name, 'tries one old password at both of two accounts')
    for (const account of [owner, second]) await comeIn(account)
    tell(owner.name, 'remembers, and is in')
    return {
      groups: [networkGroup(office), ...sids.map((sid) => ({ '@sid': sid }))],
      leaves: [
        { query: '@evt:register @outcome:success', atLeast: PEOPLE + 1 },
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: SLIPS + 2 },
        { query: '@evt:login @outcome:success', atLeast: PEOPLE + 1 },
        { query: '@evt:session @outcome:new', atLeast: PEOPLE + 1 },
      ],
    }
  },
}

const openBrowser = (address: string, context: Context): Client =>
  context.client({ device: context.random.pick(OFFICE_DEVICES)(), address })

async function slip(person: Person, password: string, browser: Client): Promise<void> {
  const answer = await browser.signIn({ ...person, password })
  if (answer.kind === 'in') throw new Error('a wrong password was accepted')
}

/** @returns the session's sid */
async function signIn(person: Person, browser: Client): Promise<string> {
  const answer = await browser.signIn(person)
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  return answer.session.sid
}
