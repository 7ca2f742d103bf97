import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPeople, mistype } from './kit/cast.ts'
import { OFFICE_DEVICES } from './kit/clients/devices.ts'
import { inParallel } from './kit/parallel.ts'

const PEOPLE = 16
/** How many of them mistype at the same time. */
const SLIPS = 6

/** A class behind one address that signs in at the same time. */
export const twin: Twin = {
  title: 'A class that signs in at once',
  does: `${PEOPLE} people behind one address sign in within the same second; ${SLIPS} of them mistype first. All sign in after waiting for each other.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const address = await addresses.ordinary()
    const desks = castPeople(PEOPLE, random).map((person) => ({
      person,
      browser: context.client({ device: random.pick(OFFICE_DEVICES)(), address }),
    }))
    await inParallel(desks, 4, ({ person, browser }) => browser.register(person))
    const slips = desks.slice(0, SLIPS).map(async ({ person, browser }) => {
      const answer = await browser.signIn({ ...person, password: mistype(person.password, random) })
      if (answer.kind === 'in') throw new Error('a mistyped password was accepted')
    })
    await Promise.all(slips)
    const answers = await Promise.all(desks.map(({ person, browser }) => browser.signIn(person)))
    for (const [at, answer] of answers.entries()) {
      if (answer.kind === 'refused') throw new BenignRefused(`${desks[at]?.person.name} was kept out: ${answer.status}`)
    }
    tell('class', `all ${PEOPLE} are signed in, at ${address}`)
    return {
      groups: [
        networkGroup(address),
        ...answers.flatMap((answer) => (answer.kind === 'in' ? [{ '@sid': answer.session.sid }] : [])),
      ],
      leaves: [
        { query: '@evt:login @outcome:success', atLeast: PEOPLE },
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: SLIPS },
      ],
    }
  },
}
