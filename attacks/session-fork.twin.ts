import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import type { Visit } from './kit/clients/client.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { openSession, present, useUntilRenewed } from './kit/sessions.ts'

/** Tokens of different ages, each used by its owner. */
export const twin: Twin = {
  title: 'Two tabs, a slow page and a script that never renews',
  does: 'One browser has two tabs, and the session is renewed while both are in use; a page that was requested before the renewal arrives after it. Another person’s script keeps using the token of its sign-in and never renews it.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const reader = castPerson(random)
    const scripter = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    // Both tabs share one cookie jar, as in a browser. The slow request carries the cookie from the time of its sending.
    const [tabs, slow] = [context.client(home), context.client(home)]
    await tabs.register(reader)
    const first = await openSession(tabs, reader)
    tell(reader.name, `opens two tabs: ${home.device.name} at ${home.address}`)

    const server = { device: firefoxOnLinux(), address: await addresses.ordinary() }
    const script = context.client(server)
    await script.register(scripter)
    const pinned = await openSession(script, scripter)
    tell(scripter.name, `starts a script with a token for the whole day: ${server.address}`)

    await useUntilRenewed(tabs, context)
    const [left, right] = await Promise.all([tabs.visit(), tabs.visit()])
    mustBeIn(left, `${reader.name}, in one tab`)
    mustBeIn(right, `${reader.name}, in the other tab`)
    tell(reader.name, 'has worked in both until the session was renewed, and is still signed in')
    mustBeIn(await present(slow, first), `${reader.name}, with the former token`)
    tell(reader.name, 'receives the slow page, which was requested with the former token')
    mustBeIn(await present(script, pinned), `${scripter.name}, whose script never renews`)
    tell(scripter.name, 'has a script that still runs on its first token')
    return {
      groups: [
        ...[first, pinned].map(({ sid }) => ({ '@sid': sid })),
        ...[home, server].map(({ address }) => networkGroup(address)),
      ],
      leaves: [
        { query: '@evt:session @outcome:new', atLeast: 2 },
        { query: '@evt:session @outcome:renewed', atLeast: 1 },
        { query: '@evt:session @outcome:seen', atLeast: 2 },
      ],
    }
  },
}

/** @throws BenignRefused */
function mustBeIn(visit: Visit, who: string): void {
  if (visit.kind === 'out') throw new BenignRefused(`${who} was signed out: ${visit.words}`)
}
