import { randomUUID } from 'node:crypto'
import { SIGNATURE_HEADER, sign } from '../shared/signature.ts'
import { networkGroup } from './addresses.ts'
import type { Attack, TargetKind } from './attack.ts'
import { castPeople, type Person } from './cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import type { Outgoing, Path } from './clients/wire.ts'
import { twin } from './containment-tampering.twin.ts'
import { openSession } from './sessions.ts'

/** What people take for a secret. */
const GUESSES = ['changeme-changeme-changeme-changeme', 'mini-ato-saas-secret-mini-ato-saas'] as const
const AN_HOUR_MS = 3_600_000

/** A request, and what its sender hopes for. */
interface Forgery {
  readonly hope: string
  readonly outgoing: Outgoing
}

export const containmentTampering: Attack = {
  slug: 'containment-tampering',
  title: 'Forged calls to the containment',
  techniques: [{ id: 'T1685', name: 'Disable or Modify Tools' }],
  targets: ['web', 'functions'],
  does: 'Turns the defence on its owners: forges the call that ends a session (web), or the alert that would cause it and the calls that web signs (functions), with secrets that people tend to choose. All of them are refused; that somebody tries is worth a page.',
  trips: 'containment-tampering',
  runbook: 'runbooks/ATO-013-containment-tampering.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const [victim] = castPeople(1, random) as [Person]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    const { sid } = await openSession(browser, victim)
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const lair = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const forger = context.intruder(lair)
    tell('forger', `knows the name of ${victim.name}'s session, and no secret: ${lair.address}`)
    const [first, second, third] = FORGERIES[target.kind](sid, home.address)
    const attempt = async ({ hope, outgoing }: Forgery) => {
      const { status } = await forger.send(outgoing)
      tell('forger', `${hope}: ${status}`)
    }
    await attempt(first)
    await attempt(second)
    const group = networkGroup(lair.address)
    const crossing = context.crossing(group, 'the third forgery')
    await attempt(third)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}

type Forgeries = readonly [Forgery, Forgery, Forgery]

const FORGERIES: Record<TargetKind, (sid: string, victimsAddress: string) => Forgeries> = {
  web: (sid) => [
    { hope: 'signs a revoke with a secret that people choose', outgoing: signed('/contain/revoke', revoke(sid), 0) },
    {
      hope: 'signs another as if it had been recorded an hour ago',
      outgoing: signed('/contain/revoke', revoke(sid), -AN_HOUR_MS),
    },
    { hope: 'sends it without any signature', outgoing: post('/contain/revoke', revoke(sid), {}) },
  ],
  functions: (sid, victimsAddress) => [
    { hope: 'sends an alert about the session, with a guessed secret', outgoing: alert(sid, GUESSES[0]) },
    { hope: 'guesses again', outgoing: alert(sid, GUESSES[1]) },
    {
      hope: 'signs a sign-in as web would, in the name of the victim’s address',
      outgoing: signed('/api/auth/login', loginFrom(victimsAddress), 0),
    },
  ],
}

const post = (path: Path, data: object, headers: Record<string, string>): Outgoing => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(data),
})

/** @param skewMs of the signature's clock from ours */
function signed(path: Path, data: object, skewMs: number): Outgoing {
  const signature = sign(JSON.stringify(data), [GUESSES[0]], Date.now() + skewMs)
  return post(path, data, { [SIGNATURE_HEADER]: signature })
}

const revoke = (sid: string) => ({
  id: randomUUID(),
  op: 'POST /contain/revoke',
  action: 'revoke',
  sid,
  reason: 'contained',
  detection: 'session-reuse',
})

/** As detections/webhook.json would have it. */
const alert = (sid: string, secret: string): Outgoing =>
  post(
    '/api/contain',
    {
      id: randomUUID(),
      alert_id: '1',
      cycle_key: randomUUID(),
      transition: 'Triggered',
      scope: `@sid:${sid}`,
      tags: 'detection:session-reuse,contain:session',
      date: String(Date.now()),
    },
    { 'x-ato-webhook-secret': secret },
  )

const loginFrom = (ip: string) => ({
  id: randomUUID(),
  op: 'POST /api/auth/login',
  client: { ip, user_agent: 'Mozilla/5.0', ch: {} },
  data: { email: 'nobody@example.com', password: randomUUID() },
})
