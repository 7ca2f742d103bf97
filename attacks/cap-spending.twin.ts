import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Group, type Twin } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows, safariOnIphone } from './kit/clients/devices.ts'

const TIMES = 12

export const twin: Twin = {
  title: 'A browser that clears its cookies',
  does: `A browser clears its cookies whenever it is closed. Its owner signs in ${TIMES} times within minutes on one laptop and uses each of the sessions. The phone stays signed in.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const groups: Group[] = [networkGroup(home.address)]
    const phone = context.client({ device: safariOnIphone(), address: home.address })
    await phone.register(person)
    for (const browser of [phone, ...Array.from({ length: TIMES }, () => context.client(home))]) {
      const answer = await browser.signIn(person)
      if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
      const visit = await browser.visit()
      if (visit.kind === 'out') throw new BenignRefused(`${person.name} was signed out at once: ${visit.words}`)
      groups.push({ '@sid': answer.session.sid })
    }
    if ((await phone.visit()).kind === 'out') throw new BenignRefused(`${person.name} was signed out on the phone`)
    tell(person.name, `has signed in ${TIMES} times on ${home.device.name}, and once on the phone`)
    return {
      groups,
      leaves: [
        { query: '@evt:session @outcome:new', atLeast: 1 + TIMES },
        { query: '@evt:login @outcome:success', atLeast: 1 + TIMES },
      ],
    }
  },
}
