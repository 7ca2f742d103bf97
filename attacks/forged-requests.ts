import { twin } from './forged-requests.twin.ts'
import { networkGroup } from './kit/addresses.ts'
import type { PreventedAttack, TargetKind } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { safariOnIphone } from './kit/clients/devices.ts'
import type { Outgoing, Path } from './kit/clients/wire.ts'
import { openSession } from './kit/sessions.ts'

/** More than the detection's threshold for one network. */
const SIGN_INS = 11
const REVOKES = 3
const OTHER_SITE = 'https://recipes.example'

/** Headers of a request that another site's page causes: in current browsers, in older ones, from a page without an origin. */
const MARKS: readonly Readonly<Record<string, string>>[] = [
  { origin: OTHER_SITE, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
  { origin: OTHER_SITE },
  { origin: 'null' },
]

/** Requests that a page can send without a preflight. @see Fetch Standard, CORS-safelisted request-headers */
const BODIES: Record<TargetKind, { readonly login: Path; readonly revoke: Path; readonly type: string }> = {
  web: { login: '/login', revoke: '/contain/revoke', type: 'application/x-www-form-urlencoded' },
  functions: { login: '/api/auth/login', revoke: '/api/contain', type: 'text/plain' },
}

export const forgedRequests: PreventedAttack = {
  slug: 'forged-requests',
  title: 'A page that makes its visitor look like an attacker',
  techniques: [{ id: 'T1659', name: 'Content Injection' }],
  targets: ['web', 'functions'],
  does: `Somebody reads a page of another site. The page sends ${SIGN_INS} wrong sign-ins and ${REVOKES} forged calls to the containment from the reader's browser. If they counted as the reader's, the reader's address would be blocked and reported for tampering. They have the headers of a current browser, of one without Fetch Metadata, and of a page without an origin.`,
  ends: 'prevented',
  prevention:
    'Both hosts refuse a request that another site’s page has caused, before they read its body. They check Fetch Metadata, or Origin if it is missing. No event names the visitor.',
  leaves: [{ query: '@evt:login @outcome:success', atLeast: 2 }],
  runbook: 'runbooks/ATO-013-containment-tampering.md',
  twin,

  async attack({ kind }, context) {
    const { addresses, random, tell } = context
    const reader = castPerson(random)
    const home = { device: safariOnIphone(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(reader)
    const { sid } = await openSession(browser, reader)
    tell(reader.name, `signs in, and then reads a page of ${OTHER_SITE}: ${home.address}`)

    const page = context.intruder(home)
    const crossing = context.crossing({}, 'the first forged request')
    const statuses = new Set<number>()
    let refusedAt = 0
    for (const marks of MARKS) {
      for (const outgoing of forgeries(kind, marks)) {
        const answer = await page.send(outgoing)
        statuses.add(answer.status)
        refusedAt ||= answer.answeredAt
      }
    }
    const isRefused = statuses.size === 1 && statuses.has(403)
    tell('page', `sends ${MARKS.length * (SIGN_INS + REVOKES)} requests: ${[...statuses].join(', ')}`)
    await browser.signOut()
    const again = await browser.signIn(reader)
    tell(reader.name, again.kind === 'in' ? 'signs in again as before' : `is refused: ${again.status}`)
    const innocent = [networkGroup(home.address), { '@sid': sid }]
    return { group: {}, crossedAt: crossing.at, refusedAt: isRefused ? refusedAt : undefined, innocent }
  },
}

function forgeries(kind: TargetKind, marks: Readonly<Record<string, string>>): Outgoing[] {
  const { login, revoke, type } = BODIES[kind]
  const post = (path: Path, body: string): Outgoing => ({
    method: 'POST',
    path,
    headers: { ...marks, 'content-type': type },
    body,
  })
  return [
    ...Array.from({ length: SIGN_INS }, (_, at) => post(login, `email=reader${at}%40example.com&password=wrong-${at}`)),
    ...Array.from({ length: REVOKES }, () => post(revoke, '{"action":"revoke"}')),
  ]
}
