import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Context, type Twin } from './kit/attack.ts'
import { castPeople, mistype, type Person } from './kit/cast.ts'
import { OFFICE_DEVICES } from './kit/clients/devices.ts'
import { inParallel } from './kit/parallel.ts'

/** More addresses than the detection's threshold. */
const PEOPLE = 40
/** People who mistype the email address instead of the password: far fewer, as in reality. */
const MISTYPED_ADDRESSES = 5
const AT_ONCE = 5

/** A Monday morning with people at home. */
export const twin: Twin = {
  title: 'A Monday morning at forty homes',
  does: `${PEOPLE} people sign in within seconds, each at an address of their own, and each mistypes once: most of them the password, ${MISTYPED_ADDRESSES} the email address. All sign in.`,

  async act(_target, context) {
    const { random, tell } = context
    const people = [...castPeople(PEOPLE, random)]
    tell('service', `${PEOPLE} people begin their day, at ${PEOPLE} addresses`)
    const mornings = await inParallel(people, AT_ONCE, (person, at) =>
      morning(person, at < MISTYPED_ADDRESSES, context),
    )
    tell('service', `all have mistyped once, ${MISTYPED_ADDRESSES} of them the email address, and all are signed in`)
    return {
      groups: [{ '@via': 'web' }, { '@via': 'api' }, ...mornings.flat()],
      leaves: [
        { query: '@evt:register @outcome:success', atLeast: PEOPLE },
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: PEOPLE - MISTYPED_ADDRESSES },
        { query: '@evt:login @outcome:fail @reason:unknown_user', atLeast: MISTYPED_ADDRESSES },
        { query: '@evt:login @outcome:success', atLeast: PEOPLE },
      ],
    }
  },
}

/** @returns the groups of an alert about this person */
async function morning(person: Person, wrongAddress: boolean, context: Context) {
  const { addresses, random } = context
  const home = await addresses.ordinary()
  const browser = context.client({ device: random.pick(OFFICE_DEVICES)(), address: home })
  await browser.register(person)
  const mistyped = wrongAddress
    ? { ...person, email: person.email.replace('@', 'e@') }
    : { ...person, password: mistype(person.password, random) }
  if ((await browser.signIn(mistyped)).kind === 'in') throw new Error('a mistyped login was accepted')
  const answer = await browser.signIn(person)
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  return [networkGroup(home), { '@sid': answer.session.sid }]
}
