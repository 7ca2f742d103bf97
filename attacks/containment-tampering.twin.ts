import { SIGNATURE_HEADER } from '../shared/signature.ts'
import { networkGroup } from './addresses.ts'
import { BenignRefused, type Context, type Group, type TargetKind, type Twin } from './attack.ts'
import { castPeople, type Person } from './cast.ts'
import { chromeOnWindows, firefoxOnLinux, OFFICE_DEVICES } from './clients/devices.ts'
import type { Outgoing } from './clients/wire.ts'

const PEOPLE = 6

/** What anybody finds who asks every path of a list, and sends some header of that kind. */
const DOORS: Record<TargetKind, readonly [Outgoing, Outgoing]> = {
  web: [
    { method: 'GET', path: '/contain/revoke' },
    { method: 'POST', path: '/contain/revoke', headers: { 'content-type': 'application/json' }, body: '{}' },
  ],
  functions: [
    {
      method: 'POST',
      path: '/api/auth/login',
      headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: 'probe' },
      body: '{}',
    },
    { method: 'POST', path: '/api/contain', headers: { 'content-type': 'application/json' }, body: '{}' },
  ],
}

/** Strangers at the doors, who know nothing of what is behind them, and everybody who comes by the front. */
export const twin: Twin = {
  title: 'A scanner, an uptime probe and a morning of sign-ins',
  does: `A scanner tries the endpoints of the containment once each, and an uptime probe asks twice whether one answers. ${PEOPLE} people sign in meanwhile; through web, each of their sign-ins is a signed call that verifies.`,

  async act(target, context) {
    const { addresses, random, tell } = context
    const scanner = { device: firefoxOnLinux(), address: await addresses.ordinary() }
    for (const door of DOORS[target.kind]) await context.client(scanner).send(door)
    tell('scanner', `tries two doors, once each: ${scanner.address}`)
    const office = await addresses.ordinary()
    const sids: string[] = []
    for (const person of castPeople(PEOPLE, random)) sids.push(await comeIn(person, office, context))
    tell('office', `${PEOPLE} people sign in behind ${office}`)
    const monitor = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const [, door] = DOORS[target.kind]
    for (let asked = 0; asked < 2; asked++) await context.client(monitor).send(door)
    tell('probe', `asks twice whether ${door.path} answers: ${monitor.address}`)
    const groups: Group[] = [scanner.address, office, monitor.address].map((ip) => networkGroup(ip))
    return {
      groups: [...groups, ...sids.map((sid) => ({ '@sid': sid }))],
      leaves: [
        { query: '@evt:login @outcome:success', atLeast: PEOPLE },
        { query: '@evt:session @outcome:new', atLeast: PEOPLE },
        // A refused delivery says nothing of the program that made it, so that of functions' doors one leaves a trace here.
        { query: '@evt:call @outcome:refused', atLeast: target.kind === 'web' ? 3 : 1 },
      ],
    }
  },
}

/** @returns the session's sid */
async function comeIn(person: Person, address: string, context: Context): Promise<string> {
  const browser = context.client({ device: context.random.pick(OFFICE_DEVICES)(), address })
  await browser.register(person)
  const answer = await browser.signIn(person)
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  return answer.session.sid
}
