import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, type Person } from './kit/cast.ts'
import type { Client } from './kit/clients/client.ts'
import { chromeOnWindows } from './kit/clients/devices.ts'
import { openSession, useUntilRenewed } from './kit/sessions.ts'

/** One browser that works fast and changes its network while its session is renewed. */
export const twin: Twin = {
  title: 'A fast user who changes networks',
  does: 'One browser opens page after page without a pause and changes its network repeatedly until its session has been renewed. Requests from two networks each renew it, and one browser holds both answers.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const person = castPerson(random)
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
    tell(person.name, `has worked from ${networks.join(', ')}, and is still signed in`)
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
