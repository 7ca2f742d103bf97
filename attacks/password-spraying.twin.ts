import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Context, type Twin } from './kit/attack.ts'
import { castPeople, castPerson, mistype, type Person } from './kit/cast.ts'
import type { Client } from './kit/clients/client.ts'
import { OFFICE_DEVICES } from './kit/clients/devices.ts'

const PEOPLE = 9
/** How many of them mistype once. */
const SLIPS = 7

/** Different wrong passwords from one address, except for one that two accounts see. */
export const twin: Twin = {
  title: 'An office with typos, and somebody with two accounts and an old password',
  does: `${PEOPLE} people sign in behind one address. ${SLIPS} of them mistype their own password once. One has two accounts, tries an old password on both, and then gives the right ones.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const office = await addresses.ordinary()
    const owner = castPerson(random)
    const second = castPerson(random)
    const people = castPeople(PEOPLE - 1, random)
    const atDesk = (person: Person) => ({ person, browser: openBrowser(office, context) })
    const own = [owner, second].map(atDesk)
    const desks = people.map(atDesk)
    await Promise.all([...own, ...desks].map(({ person, browser }) => browser.register(person)))
    tell('office', `${PEOPLE} people come to work behind ${office}`)

    const sids: string[] = []
    for (const [at, { person, browser }] of desks.entries()) {
      if (at < SLIPS) await slip(person, mistype(person.password, random), browser)
      sids.push(await signIn(person, browser))
    }
    tell('office', `${SLIPS} of them mistype their own password once, and sign in`)
    const old = mistype(owner.password, random)
    for (const { person, browser } of own) await slip(person, old, browser)
    tell(owner.name, 'tries one old password on both of two accounts')
    for (const { person, browser } of own) sids.push(await signIn(person, browser))
    tell(owner.name, 'gives the right ones and signs in')
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
