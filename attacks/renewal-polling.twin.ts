import { networkGroup } from './addresses.ts'
import { BenignRefused, type Twin } from './attack.ts'
import { castPeople, type Person } from './cast.ts'
import type { Client } from './clients/client.ts'
import { chromeOnWindows } from './clients/devices.ts'
import { openSession, useUntilRenewed } from './sessions.ts'

/** One browser that hurries, and moves while its session is renewed. */
export const twin: Twin = {
  title: 'Somebody in a hurry, on the way from one network to the next',
  does: 'One browser opens page after page without a pause and changes its network again and again, until its session has been renewed. Two networks have each asked for a successor, and both answers are in one browser.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const [person] = castPeople(1, random) as [Person]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(person)
    const { sid } = await openSession(browser, person)
    tell(person.name, `signs in: ${home.device.name} at ${home.address}`)
    const networks = [home.address, await addresses.mobile(), await addresses.ordinary()]
    for (const address of networks.slice(1)) {
      browser.move({ address })
      await work(browser, person)
    }
    await useUntilRenewed(browser, context)
    for (const address of networks) {
      browser.move({ address })
      await work(browser, person)
    }
    tell(person.name, `has worked from ${networks.join(', ')}, and is in as before`)
    return {
      groups: [{ '@sid': sid }, ...networks.map(networkGroup)],
      leaves: [
        { query: '@evt:session @outcome:renewed', atLeast: 1 },
        { query: '@evt:session @outcome:seen', atLeast: 3 },
      ],
    }
  },
}

const PAGES = 8

/** @throws BenignRefused */
async function work(browser: Client, { name }: Person): Promise<void> {
  for (let page = 0; page < PAGES; page++) {
    const visit = await browser.visit()
    if (visit.kind === 'out') throw new BenignRefused(`${name} was signed out: ${visit.words}`)
  }
}
