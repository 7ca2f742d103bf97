import { networkGroup } from './addresses.ts'
import { BenignRefused, type Twin } from './attack.ts'
import { castPeople, type Person } from './cast.ts'
import type { Visit } from './clients/client.ts'
import { chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import { openSession, present, useUntilRenewed } from './sessions.ts'

/** Tokens of all ages, and nobody who should not have them. */
export const twin: Twin = {
  title: 'Two tabs, a slow page and a script that never renews',
  does: 'One browser has two tabs, and the session is renewed while both are in use; a page that was asked for before arrives after. Somebody else’s script goes on with the token of its sign-in, as if there were no renewals.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const [reader, scripter] = castPeople(2, random) as [Person, Person]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    // One jar for both tabs, as a browser has it; the slow request still carries what was in the jar when it was sent.
    const [tabs, slow] = [context.client(home), context.client(home)]
    await tabs.register(reader)
    const first = await openSession(tabs, reader)
    tell(reader.name, `opens two tabs: ${home.device.name} at ${home.address}`)

    const server = { device: firefoxOnLinux(), address: await addresses.ordinary() }
    const script = context.client(server)
    await script.register(scripter)
    const pinned = await openSession(script, scripter)
    tell(scripter.name, `starts a script, and gives it a token for the day: ${server.address}`)

    await useUntilRenewed(tabs, context)
    const [left, right] = await Promise.all([tabs.visit(), tabs.visit()])
    mustBeIn(left, `${reader.name}, in one tab`)
    mustBeIn(right, `${reader.name}, in the other tab`)
    tell(reader.name, 'has worked in both until the session was renewed, and goes on')
    mustBeIn(await present(slow, first), `${reader.name}, with the token from before`)
    tell(reader.name, 'gets the page that was slow, asked for with the token from before')
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
