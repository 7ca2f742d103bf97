import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Context, type Twin } from './kit/attack.ts'
import { castPeople, mistype, type Person } from './kit/cast.ts'
import type { Client } from './kit/clients/client.ts'
import { OFFICE_DEVICES } from './kit/clients/devices.ts'

const PEOPLE = 12
/** Mistakes per person: together eight failures within minutes, from one address. */
const SLIPS = [3, 2, 1, 1, 1]

/** An office that begins its work. */
export const twin: Twin = {
  title: 'An office behind one address',
  does: `${PEOPLE} people sign in on their own browsers within minutes, all behind one address. ${SLIPS.length} of them mistype their passwords, ${sum(SLIPS)} times together, before they sign in.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const office = await addresses.ordinary()
    const people = castPeople(PEOPLE, random)
    const desks = people.map((person, at) => ({ person, browser: openBrowser(office, context), slips: SLIPS[at] ?? 0 }))
    await Promise.all(desks.map(({ person, browser }) => browser.register(person)))
    tell('office', `${PEOPLE} people come to work behind ${office}`)
    const sids: string[] = []
    for (const { person, browser, slips } of random.shuffle(desks)) {
      for (let slip = 0; slip < slips; slip++) await slipUp(person, browser, context)
      sids.push(await comeIn(person, browser))
      if (slips > 0) tell(person.name, `mistypes ${slips === 1 ? 'once' : `${slips} times`}, then signs in`)
    }
    return {
      groups: [networkGroup(office), ...sids.map((sid) => ({ '@sid': sid }))],
      leaves: [
        { query: '@evt:register @outcome:success', atLeast: PEOPLE },
        { query: '@evt:login @outcome:fail', atLeast: sum(SLIPS) },
        { query: '@evt:login @outcome:success', atLeast: PEOPLE },
        { query: '@evt:session @outcome:new', atLeast: PEOPLE },
        { query: '@evt:session @outcome:seen', atLeast: PEOPLE },
      ],
    }
  },
}

const openBrowser = (address: string, context: Context): Client =>
  context.client({ device: context.random.pick(OFFICE_DEVICES)(), address })

async function slipUp(person: Person, browser: Client, { random }: Context): Promise<void> {
  const answer = await browser.signIn({ ...person, password: mistype(person.password, random) })
  if (answer.kind === 'in') throw new Error('a mistyped password was accepted')
}

/** @returns the session's sid */
async function comeIn(person: Person, browser: Client): Promise<string> {
  const answer = await browser.signIn(person)
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  const visit = await browser.visit()
  if (visit.kind === 'out') throw new BenignRefused(`${person.name} was signed out at once: ${visit.words}`)
  return answer.session.sid
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
