import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, leakedList } from './kit/cast.ts'
import { chromeOnWindows, safariOnIphone } from './kit/clients/devices.ts'

/** On each device; together below the alert's threshold. */
const WRONG = 4

export const twin: Twin = {
  title: 'A forgotten password, tried on two devices',
  does: `Somebody has forgotten the password and tries ${WRONG} old ones on the laptop and ${WRONG} on the phone, both of which the account knows. Then gives the right one and signs in on both.`,

  async act(_target, context) {
    const { addresses, insider, random, tell } = context
    const person = castPerson(random)
    const address = await addresses.ordinary()
    const devices = [chromeOnWindows(), safariOnIphone()]
    const clients = devices.map((device) => context.client({ device, address }))
    const [laptop] = clients
    await laptop?.register(person)
    for (const client of clients) {
      const answer = await client.signIn(person)
      if (answer.kind === 'refused') throw new BenignRefused(`${person.name} could not sign in: ${answer.status}`)
      await client.signOut()
    }
    tell(person.name, `has signed in on ${devices.map(({ name }) => name).join(' and ')}, at ${address}`)
    for (const client of clients) {
      for (const { password } of leakedList(WRONG, random)) {
        if ((await client.signIn({ ...person, password })).kind === 'in')
          throw new Error('a wrong password was accepted')
      }
    }
    tell(person.name, `tries ${WRONG} old passwords on each`)
    const sids: string[] = []
    for (const client of clients) {
      const answer = await client.signIn(person)
      if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
      sids.push(answer.session.sid)
    }
    tell(person.name, 'gives the right one and is signed in on both')
    return {
      groups: [
        networkGroup(address),
        ...sids.map((sid) => ({ '@sid': sid })),
        ...(insider ? [{ '@login_hash': await insider.loginHash(person.email) }] : []),
      ],
      leaves: [
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: 2 * WRONG },
        { query: '@evt:login @outcome:success', atLeast: 4 },
      ],
    }
  },
}
