import { after, type DetectionCase, newRequestId, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type CallRefused = Extract<Event, { evt: 'call' }>
type WebhookEvent = Extract<Event, { evt: 'webhook' }>

const forger = '203.0.113.9'
const probe = '198.51.100.7'
const second = 1_000
const minute = 60 * second

const envelope = (ms: number) => ({
  timestamp: after(ms),
  level: 'warn' as const,
  service: 'mini-ato-saas',
  env: 'prod',
})

const request = (ms: number, ip: string) => ({
  ...envelope(ms),
  ...addressFields(ip),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: newRequestId(),
})

const call = (ms: number, change: Partial<CallRefused> = {}): CallRefused => ({
  ...request(ms, forger),
  evt: 'call',
  outcome: 'refused',
  reason: 'bad_signature',
  route: 'POST /contain/revoke',
  ...change,
})

const delivery = (ms: number, change: Partial<WebhookEvent> = {}): WebhookEvent => ({
  ...envelope(ms),
  evt: 'webhook',
  outcome: 'refused',
  reason: 'bad_secret',
  ...addressFields(forger),
  request_id: newRequestId(),
  ...change,
})

/** A sign-in through web: functions verified web's signature, so that nothing but the sign-in is logged. */
const signIn = (ms: number, ip: string): Event => ({
  ...request(ms, ip),
  level: 'info',
  evt: 'login',
  outcome: 'success',
  email: 'ann@example.test',
  usr: { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' },
  sid: 'AAAAAAAAAAAAAAAAAAAAAA',
  device_known: true,
})

const calls = (count: number, everyMs: number, change: Partial<CallRefused> = {}) =>
  Array.from({ length: count }, (_, i) => call(i * everyMs, change))

const deliveries = (count: number, everyMs: number, change: Partial<WebhookEvent> = {}) =>
  Array.from({ length: count }, (_, i) => delivery(i * everyMs, change))

/** By turns a forged call and a guessed secret: both count the same. */
export const proof: Proof = {
  counts: (i, afterMs, subject) => {
    const ip = numbered.ip(subject)
    const about = { request_id: numbered.uuid(i), ...addressFields(ip) }
    return i % 2 === 0 ? call(afterMs, about) : delivery(afterMs, about)
  },
}

export const cases: DetectionCase[] = [
  {
    name: 'three forged revokes within a minute',
    events: calls(3, 20 * second),
    fires: [{ '@network': forger }],
    transitions: [
      ['Triggered', 40 * second],
      ['Recovered', 15 * minute],
    ],
  },
  {
    name: 'the third forgery 899,999 ms after the first',
    events: [call(0), call(1), call(15 * minute - 1)],
    fires: [{ '@network': forger }],
    transitions: [
      ['Triggered', 15 * minute - 1],
      ['Recovered', 15 * minute],
    ],
  },
  {
    name: 'the third forgery a full 15 minutes after the first',
    events: [call(0), call(1), call(15 * minute)],
    fires: false,
  },
  {
    name: 'each way of being refused once: a forger tries what there is to try',
    events: (['bad_signature', 'stale', 'replayed', 'wrong_route', 'malformed'] as const).map((reason, i) =>
      call(i * second, { reason }),
    ),
    fires: [{ '@network': forger }],
  },
  {
    name: 'three recorded calls sent again: whoever has them reads our traffic',
    events: calls(3, second, { reason: 'replayed' }),
    fires: [{ '@network': forger }],
  },
  {
    name: 'signed sign-ins, forged at functions to speak in the name of other addresses',
    events: calls(3, second, { via: 'api', route: 'POST /api/auth/login' }),
    fires: [{ '@network': forger }],
  },
  { name: 'three guesses at the webhook secret', events: deliveries(3, second), fires: [{ '@network': forger }] },
  {
    name: 'two guesses at the secret and one forged call are three, on whatever host',
    events: [...deliveries(2, second), call(10 * second)],
    fires: [{ '@network': forger }],
  },
  {
    name: 'an address that goes on is one alert, until it has rested',
    events: calls(20, minute),
    fires: [{ '@network': forger }],
    transitions: [
      ['Triggered', 2 * minute],
      ['Recovered', 32 * minute],
    ],
  },
  {
    name: 'a forger on IPv6',
    events: calls(3, second, addressFields('2001:db8::7')),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'a forger who takes another address of the same IPv6 network for each call',
    events: [1, 2, 3].map((host) => call(host * second, addressFields(`2001:db8:0:0:${host}::7`))),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'two calls whose lines the drain delivered twice',
    events: calls(2, second).flatMap((event) => [event, event]),
    fires: false,
  },
  {
    name: 'a rotation half done: web signs with what functions does not know yet, and every sign-in fails',
    events: calls(30, second, { via: 'api', route: 'POST /api/auth/login', ...addressFields(probe) }),
    fires: [{ '@network': probe }],
  },
  {
    name: 'a scanner that pokes each of the two doors once',
    events: [call(0, { reason: 'malformed', ...addressFields(probe) }), delivery(second, addressFields(probe))],
    fires: false,
  },
  {
    name: 'a probe every ten minutes, day and night',
    events: calls(144, 10 * minute, { reason: 'malformed', ...addressFields(probe) }),
    fires: false,
  },
  {
    name: 'a hundred scanners with one request each',
    events: Array.from({ length: 100 }, (_, i) =>
      call(i * second, { reason: 'malformed', ...addressFields(numbered.ip(i)) }),
    ),
    fires: false,
  },
  {
    name: 'two forgeries at each of two doors, from two addresses',
    events: [...calls(2, second), ...deliveries(2, second, addressFields(probe))],
    fires: false,
  },
  {
    name: 'a day of sign-ins through web, each a call that verified',
    events: Array.from({ length: 100 }, (_, i) => signIn(i * 10 * second, probe)),
    fires: false,
  },
  {
    name: 'Datadog delivering alerts that are not acted on is our own fault, and known by its secret',
    events: (['stale', 'unknown_detection', 'unknown_subject', 'no_subject', 'malformed'] as const).map((reason, i) =>
      delivery(i * second, { reason }),
    ),
    fires: false,
  },
  {
    name: 'deliveries with the right secret: accepted, or ignored as the duplicates that they are',
    events: [
      ...Array.from({ length: 5 }, (_, i) => without(delivery(i * second, { outcome: 'accepted' }), 'reason')),
      ...deliveries(5, second, { outcome: 'ignored', reason: 'duplicate' }),
    ],
    fires: false,
  },
  {
    name: 'a secret that was wrong and not refused is none that we know of',
    events: deliveries(5, second, { outcome: 'ignored' }),
    fires: false,
  },
  {
    name: 'the staging environment',
    events: [...calls(5, second, { env: 'staging' }), ...deliveries(5, second, { env: 'staging' })],
    fires: false,
  },
  {
    name: 'another service',
    events: [...calls(5, second, { service: 'another' }), ...deliveries(5, second, { service: 'another' })],
    fires: false,
  },
  {
    name: 'forgeries without an address count for nobody',
    events: [...calls(5, second), ...deliveries(5, second)].map((event) => without(event, 'network')),
    fires: false,
    outsideContract: true,
  },
  {
    name: 'calls that were not refused',
    events: calls(5, second).map((event) => ({ ...event, outcome: 'accepted' })),
    fires: false,
    outsideContract: true,
  },
  {
    name: 'other events that were refused for a bad secret, or refused at all',
    events: [...deliveries(5, second), ...calls(5, second)].map((event) => ({ ...event, evt: 'login' })),
    fires: false,
    outsideContract: true,
  },
]
