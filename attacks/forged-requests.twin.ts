import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPeople, mistype } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'

export const twin: Twin = {
  title: 'A link on another site, and a script',
  does: 'Somebody follows a link on another site to the sign-in page, mistypes once and signs in. Somebody else uses a script, which sends no header that names a page. Neither request was caused by a page of another site.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const people = castPeople(2, random)
    const devices = [chromeOnWindows(), firefoxOnLinux()]
    const groups = []
    for (const [at, person] of people.entries()) {
      const from = { device: devices[at] ?? chromeOnWindows(), address: await addresses.ordinary() }
      const client = context.client(from)
      await client.register(person)
      const linked = { method: 'GET', path: '/', headers: { 'sec-fetch-site': 'cross-site' } } as const
      const { status } = await client.send(linked)
      if (status === 403) throw new BenignRefused('a visitor who follows a link is refused')
      const slip = await client.signIn({ ...person, password: mistype(person.password, random) })
      if (slip.kind === 'in') throw new Error('a mistyped password was accepted')
      const answer = await client.signIn(person)
      if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
      tell(person.name, `follows a link and signs in: ${from.device.name} at ${from.address}`)
      groups.push(networkGroup(from.address), { '@sid': answer.session.sid })
    }
    return {
      groups,
      leaves: [
        { query: '@evt:login @outcome:success', atLeast: 2 },
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: 2 },
      ],
    }
  },
}
