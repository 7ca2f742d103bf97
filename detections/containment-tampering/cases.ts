import {
  ATTACKER,
  callRefused,
  from,
  HOME,
  loginSucceeded,
  MINUTE,
  numbered,
  repeat,
  SECOND,
  webhookRefused,
  without,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

/** By turns a forged call and a guessed secret: both count the same. */
export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    (i % 2 === 0 ? callRefused : webhookRefused)(afterMs, {
      request_id: numbered.uuid(i),
      ...from(numbered.ip(subject)),
    }),
  almost: (_i, afterMs, subject) => webhookRefused(afterMs, { reason: 'malformed', ...from(numbered.ip(subject)) }),
}

const fires = [{ '@network': ATTACKER }]

export const cases: DetectionCase[] = [
  {
    name: 'each way of being refused once: a forger tries what there is to try',
    events: (['bad_signature', 'stale', 'replayed', 'wrong_route', 'malformed'] as const).map((reason, i) =>
      callRefused(i * SECOND, { reason }),
    ),
    fires,
  },
  {
    name: 'three recorded calls sent again: whoever has them reads our traffic',
    events: repeat(callRefused, 3, SECOND, { reason: 'replayed' }),
    fires,
  },
  {
    name: 'signed sign-ins, forged at functions to speak in the name of other addresses',
    events: repeat(callRefused, 3, SECOND, { via: 'api', route: 'POST /api/auth/login' }),
    fires,
  },
  { name: 'three guesses at the webhook secret', events: repeat(webhookRefused, 3, SECOND), fires },
  {
    name: 'a forger who takes another address of the same IPv6 network for each call',
    events: repeat(callRefused, 3, SECOND, (i) => from(`2001:db8:0:0:${i + 1}::7`)),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'a scanner that tries each of the two doors once',
    events: [callRefused(0, { reason: 'malformed' }), webhookRefused(SECOND)],
    fires: false,
  },
  {
    name: 'a probe every ten minutes, day and night',
    events: repeat(callRefused, 144, 10 * MINUTE, { reason: 'malformed' }),
    fires: false,
  },
  {
    name: 'a hundred scanners with one request each',
    events: repeat(callRefused, 100, SECOND, (i) => ({ reason: 'malformed', ...from(numbered.ip(i)) })),
    fires: false,
  },
  {
    name: 'a day of sign-ins through web, each a call that verified',
    events: repeat(loginSucceeded, 100, 10 * SECOND, from(HOME)),
    fires: false,
  },
  {
    name: 'alerts of Datadog that are not acted on are our own fault, and known by their secret',
    events: (['stale', 'unknown_detection', 'unknown_subject', 'no_subject', 'malformed'] as const).map((reason, i) =>
      webhookRefused(i * SECOND, { reason }),
    ),
    fires: false,
  },
  {
    name: 'deliveries with the right secret: accepted, or ignored as the duplicates that they are',
    events: [
      ...repeat(webhookRefused, 5, SECOND, { outcome: 'accepted' }).map((each) => without(each, 'reason')),
      ...repeat(webhookRefused, 5, SECOND, { outcome: 'ignored', reason: 'duplicate' }),
    ],
    fires: false,
  },
  {
    name: 'a wrong secret that was not refused, which the service does not log',
    events: repeat(webhookRefused, 5, SECOND, { outcome: 'ignored' }),
    fires: false,
  },
  {
    name: 'calls that were accepted, and other events that were refused for a bad secret',
    events: [
      ...repeat(callRefused, 5, SECOND).map((each) => ({ ...each, outcome: 'accepted' })),
      ...repeat(webhookRefused, 5, SECOND).map((each) => ({ ...each, evt: 'login' })),
    ],
    fires: false,
    outsideContract: true,
  },
]
