import {
  ATTACKER,
  from,
  HOME,
  type Kind,
  MINUTE,
  numbered,
  repeat,
  SECOND,
  sessionDead,
  sessionSeen,
  without,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    sessionDead(afterMs, { request_id: numbered.uuid(i), ...from(numbered.ip(subject)) }),
  almost: (_i, afterMs, subject) => sessionDead(afterMs, { reason: 'ended_elsewhere', ...from(numbered.ip(subject)) }),
}

const fires = [{ '@network': ATTACKER }]
const reloads = (count: number, change: Partial<Kind<'sessionDead'>>) =>
  repeat(sessionDead, count, 10 * SECOND, { ...from(HOME), ...change })

export const cases: DetectionCase[] = [
  {
    name: 'four stolen sessions, each presented once from one address: one thief with four victims',
    events: repeat(sessionDead, 4, MINUTE, (i) => ({ sid: numbered.sid(i), usr: { id: numbered.uuid(i) } })),
    fires,
  },
  {
    name: 'a thief who changes browsers, and goes from web to the API, stays one address',
    events: repeat(sessionDead, 4, MINUTE, (i) => ({
      device_hash: numbered.hash(i),
      via: i < 2 ? 'web' : 'api',
    })),
    fires,
  },
  {
    name: 'a thief who takes another address of the same IPv6 network for each try',
    events: repeat(sessionDead, 4, SECOND, (i) => from(`2001:db8:0:0:${i + 1}::7`)),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'the owner who opens the laptop: the page, its reload, and once more after lunch',
    events: [0, 2 * SECOND, 14 * MINUTE].map((ms) => sessionDead(ms, from(HOME))),
    fires: false,
  },
  {
    name: 'thief and owner twice each, from two addresses',
    events: repeat(sessionDead, 4, SECOND, (i) => from(i % 2 === 0 ? ATTACKER : HOME)),
    fires: false,
  },
  {
    name: 'a thief who takes a new address for each try',
    events: repeat(sessionDead, 40, SECOND, (i) => from(numbered.ip(i))),
    fires: false,
  },
  {
    name: 'a tab that was signed out from the phone and reloads itself all day',
    events: reloads(200, { reason: 'ended_elsewhere' }),
    fires: false,
  },
  {
    name: 'every other browser of somebody who has changed the password',
    events: reloads(12, { reason: 'password_changed' }),
    fires: false,
  },
  {
    name: 'a holder of a session that forked: that has an alert of its own',
    events: reloads(6, { reason: 'forked' }),
    fires: false,
  },
  {
    name: 'a session that ran out in a tab that retries',
    events: reloads(40, { outcome: 'expired' }).map((each) => without(each, 'reason')),
    fires: false,
  },
  {
    name: 'three contained uses among many of sessions that live',
    events: [...repeat(sessionDead, 3, MINUTE), ...repeat(sessionSeen, 50, SECOND)],
    fires: false,
  },
  {
    name: 'an expired session is not one that we ended, whatever its reason',
    events: repeat(sessionDead, 10, SECOND, { outcome: 'expired' }),
    fires: false,
  },
  {
    name: 'something else that was revoked and contained',
    events: repeat(sessionDead, 10, SECOND).map((each) => ({ ...each, evt: 'token' })),
    fires: false,
    outsideContract: true,
  },
]
