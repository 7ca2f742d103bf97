import { LAB_CANARY } from '../shared/lab.ts'
import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, mistype, type Person } from './kit/cast.ts'
import { OFFICE_DEVICES } from './kit/clients/devices.ts'

/** Addresses that a careless comparison would take for the planted one. Each is unique to this run. */
const lookalikes = (canary: string, runId: string): string[] => {
  const [name = '', domain = ''] = canary.split('@')
  return [
    `${name}+${runId}@${domain}`,
    `${name.toUpperCase()}.${runId}@${domain}`,
    `${runId}.${name}@${domain}`,
    `${name}@${runId}.${domain}`,
  ]
}

/** People whose names are similar to the planted one. */
export const twin: Twin = {
  title: 'People whose addresses look like the planted one',
  does: 'Four people register and sign in: one with a plus and a suffix after the same name, one in capitals, one with a prefix, and one with the same name at another domain. Each mistypes the password once.',

  async act(_target, context) {
    const { addresses, random, runId, tell } = context
    const emails = lookalikes(process.env.ATO_CANARY ?? LAB_CANARY, runId)
    const people = emails.map((email) => ({ ...castPerson(random), email }))
    const groups = await Promise.all(
      people.map(async (person: Person) => {
        const home = { device: random.pick(OFFICE_DEVICES)(), address: await addresses.ordinary() }
        const browser = context.client(home)
        await browser.register(person)
        const slip = await browser.signIn({ ...person, password: mistype(person.password, random) })
        if (slip.kind === 'in') throw new Error('a mistyped password was accepted')
        const answer = await browser.signIn(person)
        if (answer.kind === 'refused') throw new BenignRefused(`${person.email} was kept out with ${answer.status}`)
        tell(person.name, `registers ${person.email}, mistypes once and signs in`)
        return [networkGroup(home.address), { '@sid': answer.session.sid }]
      }),
    )
    return {
      groups: groups.flat(),
      leaves: [
        { query: '@evt:register @outcome:success', atLeast: people.length },
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: people.length },
        { query: '@evt:login @outcome:success', atLeast: people.length },
      ],
    }
  },
}
