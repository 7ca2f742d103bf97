import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows } from './kit/clients/devices.ts'

const VERSION = 141

/** One person who moves with one laptop. */
export const twin: Twin = {
  title: 'One person roaming with one device',
  does: 'Signs in once, then uses the session from four networks within minutes: home, a phone as hotspot (IPv6), a café, an office. The browser is updated meanwhile.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
    const home = await addresses.ordinary()
    const laptop = context.client({ device: chromeOnWindows(VERSION), address: home })
    await laptop.register(person)
    const answer = await laptop.signIn(person)
    if (answer.kind === 'refused') throw new BenignRefused(`${person.name} could not sign in: ${answer.status}`)
    const visitFrom = async (place: string, address: string) => {
      laptop.move({ address })
      const visit = await laptop.visit()
      if (visit.kind === 'out') throw new BenignRefused(`${person.name} was signed out, ${place}: ${visit.words}`)
      tell(person.name, `${place}, ${address}`)
    }
    await visitFrom('at home', home)
    await visitFrom('on a train', await addresses.mobile())
    laptop.move({ device: chromeOnWindows(VERSION + 1) })
    await visitFrom('in a café, the browser a version newer', await addresses.ordinary())
    await visitFrom('in the office', await addresses.ordinary())
    return {
      groups: [{ '@sid': answer.session.sid }, networkGroup(home)],
      leaves: [
        { query: '@evt:login @outcome:success', atLeast: 1 },
        { query: '@evt:session @outcome:new', atLeast: 1 },
        { query: '@evt:session @outcome:seen', atLeast: 4 },
      ],
    }
  },
}
