import { SIGNATURE_HEADER } from '../shared/signature.ts'
import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Context, type Group, type TargetKind, type Twin } from './kit/attack.ts'
import { castPeople, type Person } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux, OFFICE_DEVICES } from './kit/clients/devices.ts'
import type { Outgoing } from './kit/clients/wire.ts'

const PEOPLE = 6

/** Requests of a scanner that tries a list of paths and headers. */
const ENDPOINTS: Record<TargetKind, readonly [Outgoing, Outgoing]> = {
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

/** Programs that call the endpoints without knowing their purpose, and people who sign in. */
export const twin: Twin = {
  title: 'A scanner, an uptime probe and a morning of sign-ins',
  does: `A scanner calls each endpoint of the containment once, and an uptime probe calls one of them twice. ${PEOPLE} people sign in meanwhile; through web, each sign-in is a signed call that verifies.`,

  async act(target, context) {
    const { addresses, random, tell } = context
    const scanner = { device: firefoxOnLinux(), address: await addresses.ordinary() }
    for (const endpoint of ENDPOINTS[target.kind]) await context.client(scanner).send(endpoint)
    tell('scanner', `calls two endpoints, once each: ${scanner.address}`)
    const office = await addresses.ordinary()
    const sids: string[] = []
    for (const person of castPeople(PEOPLE, random)) sids.push(await comeIn(person, office, context))
    tell('office', `${PEOPLE} people sign in behind ${office}`)
    const monitor = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const [, endpoint] = ENDPOINTS[target.kind]
    for (let calls = 0; calls < 2; calls++) await context.client(monitor).send(endpoint)
    tell('probe', `calls ${endpoint.path} twice: ${monitor.address}`)
    const groups: Group[] = [scanner.address, office, monitor.address].map((ip) => networkGroup(ip))
    return {
      groups: [...groups, ...sids.map((sid) => ({ '@sid': sid }))],
      leaves: [
        { query: '@evt:login @outcome:success', atLeast: PEOPLE },
        { query: '@evt:session @outcome:new', atLeast: PEOPLE },
        // A refused delivery is logged without its sender, so only one endpoint of functions leaves a trace of this run.
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
