import { besideSubnetOf, networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Context, type Twin } from './kit/attack.ts'
import { castPeople, mistype, type Person } from './kit/cast.ts'
import { safariOnIphone } from './kit/clients/devices.ts'
import { inParallel } from './kit/parallel.ts'

/** Together more mistakes than the detection's threshold for one network. */
const PEOPLE = 12
const AT_ONCE = 4

/** Phones in a mobile network, each with its own /64. */
export const twin: Twin = {
  title: 'A dozen phones of one mobile network',
  does: `${PEOPLE} people mistype once and then sign in, each on a phone with a /64 of its own, all in one /48. Together they fail more often than one subscriber may, but no subscriber fails more than once.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const cell = await addresses.mobile()
    const people = castPeople(PEOPLE, random)
    tell('network', `${PEOPLE} phones, each with a subnet of its own beside ${cell}`)
    const groups = await inParallel(people, AT_ONCE, (person) => comeIn(person, besideSubnetOf(cell), context))
    tell('network', 'all have mistyped once, and all are signed in')
    return {
      groups,
      leaves: [
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: PEOPLE },
        { query: '@evt:login @outcome:success', atLeast: PEOPLE },
      ],
    }
  },
}

async function comeIn(person: Person, address: string, context: Context) {
  const phone = context.client({ device: safariOnIphone(), address })
  await phone.register(person)
  const slip = await phone.signIn({ ...person, password: mistype(person.password, context.random) })
  if (slip.kind === 'in') throw new Error('a mistyped password was accepted')
  const answer = await phone.signIn(person)
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  return networkGroup(address)
}
