import { randomUUID } from 'node:crypto'
import { SIGNATURE_HEADER, sign } from '../shared/signature.ts'
import { twin } from './containment-tampering.twin.ts'
import { networkGroup } from './kit/addresses.ts'
import type { Attack, TargetKind } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import type { Outgoing, Path } from './kit/clients/wire.ts'
import { openSession } from './kit/sessions.ts'

/** Secrets that people choose. */
const GUESSES = ['changeme-changeme-changeme-changeme', 'mini-ato-saas-secret-mini-ato-saas'] as const
const HOUR_MS = 3_600_000

/** A forged request, and its description for the narration. */
interface Forgery {
  readonly does: string
  readonly outgoing: Outgoing
}

export const containmentTampering: Attack = {
  slug: 'containment-tampering',
  title: 'Forged calls to the containment',
  techniques: [{ id: 'T1685', name: 'Disable or Modify Tools' }],
  targets: ['web', 'functions'],
  does: 'Uses the defence against its owners: forges the call that ends a session (web), or the alert that causes it and the calls that web signs (functions), with secrets that people tend to choose. All of them are refused, and the attempt pages a person.',
  trips: 'containment-tampering',
  runbook: 'runbooks/ATO-013-containment-tampering.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    const { sid } = await openSession(browser, victim)
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const forger = context.intruder(source)
    tell('forger', `knows the sid of ${victim.name}'s session but no secret: ${source.address}`)
    const [first, second, third] = FORGERIES[target.kind](sid, home.address)
    const attempt = async ({ does, outgoing }: Forgery) => {
      const { status } = await forger.send(outgoing)
      tell('forger', `${does}: ${status}`)
    }
    await attempt(first)
    await attempt(second)
    const group = networkGroup(source.address)
    const crossing = context.crossing(group, 'the third forgery')
    await attempt(third)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}

type Forgeries = readonly [Forgery, Forgery, Forgery]

const FORGERIES: Record<TargetKind, (sid: string, victimsAddress: string) => Forgeries> = {
  web: (sid) => [
    { does: 'signs a revoke with a guessed secret', outgoing: signed('/contain/revoke', revoke(sid), 0) },
    {
      does: 'signs a revoke with a time one hour ago, as if it had been recorded',
      outgoing: signed('/contain/revoke', revoke(sid), -HOUR_MS),
    },
    { does: 'sends a revoke without a signature', outgoing: post('/contain/revoke', revoke(sid), {}) },
  ],
  functions: (sid, victimsAddress) => [
    { does: 'sends an alert about the session, with a guessed secret', outgoing: alert(sid, GUESSES[0]) },
    { does: 'sends it with another guess', outgoing: alert(sid, GUESSES[1]) },
    {
      does: 'signs a sign-in as web does, with the victim’s address',
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

/** @param skewMs difference of the signature's time from now */
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

/** In the form of detections/webhook.json. */
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
