import { addressFields } from '../../shared/client/address.ts'
import type { Session } from './account.ts'
import { uuid } from './chance.ts'
import { newScript } from './devices.ts'
import { fixed } from './networks.ts'
import { type Person, type Town, visitorOf } from './people.ts'
import { type Doing, hour, minute, second } from './schedule.ts'

/** The timer, once a minute, as punctual as timers are. */
export function* sweeps({ chance, service }: Town): Doing {
  for (;;) {
    const duration_ms = chance.between(4, 90)
    service.emit({
      evt: 'sweep',
      outcome: 'success',
      expired: chance.between(0, 6),
      contained: 0,
      failed: 0,
      duration_ms,
    })
    yield minute + chance.between(-400, 400)
  }
}

/** Whoever scans the internet pokes at every path once, with nothing that would open it. */
export function* scanners(town: Town): Doing {
  const { chance, service } = town
  const device = newScript()
  for (;;) {
    yield chance.between(1, 8) * minute
    const scanner = visitorOf(
      town,
      device,
      fixed(`198.19.${chance.between(0, 250)}.${chance.between(1, 254)}`, undefined),
      'api',
    )
    const request = service.request(scanner)
    const { request_id, ip, network } = request
    const poke = chance.pick(['webhook', 'call', 'token', 'token'])
    if (poke === 'webhook') {
      service.emit({ evt: 'webhook', outcome: 'refused', reason: 'bad_secret', request_id, ip, network, level: 'warn' })
    } else if (poke === 'call') {
      const route = 'POST /contain/revoke'
      service.emit({ ...request, evt: 'call', outcome: 'refused', reason: 'bad_signature', route, level: 'warn' })
    } else service.emit({ ...request, evt: 'session', outcome: 'invalid', reason: 'malformed' })
  }
}

/** Datadog tells of other monitors' ends, and tells some things twice. */
export function* webhooks({ chance, service }: Town): Doing {
  for (;;) {
    yield chance.between(60, 240) * minute
    const address = addressFields('198.18.255.7')
    const about = { detection: 'account-brute-force', containment_id: chance.hex(32) }
    const reason = chance.of(0.5) ? 'not_a_trigger' : 'duplicate'
    for (let times = chance.between(1, 4); times > 0; times--) {
      service.emit({ evt: 'webhook', outcome: 'ignored', reason, ...about, request_id: uuid(chance), ...address })
      yield 2 * second
    }
  }
}

/** A program looks every five minutes, with a token an hour; after a change of its password it tries the old one less and less often. */
export function* programme(town: Town, program: Person): Doing {
  const { chance, service } = town
  const visitor = () => visitorOf(town, program.computer, program.home, 'api')
  let session: Session | undefined
  let waits = 1
  for (;;) {
    if (session && !service.present(session, visitor())) session = undefined
    if (!session) {
      if (chance.of(0.004)) waits = 64
      const password = waits > 1 ? 'the old one' : program.account.password
      const outcome = service.signIn(program.account, password, visitor())
      if (outcome.kind === 'issued') session = outcome.session
      else {
        yield (64 / waits) * minute
        waits = Math.max(1, waits / 2)
        continue
      }
    }
    yield 5 * minute + chance.between(-3, 3) * second
  }
}

/** More than these the cap does not let a detection contain by itself: `CONTAIN_CAP`. */
const MOST_CONTAINED = 25

/** Of an incident before the log begins: the sessions that it cost are still in their owners' browsers. */
export function contained({ chance, schedule }: Town, people: readonly Person[]): void {
  for (let i = 0; i < Math.min(MOST_CONTAINED, people.length / 330); i++) {
    const person = chance.pick(people)
    const session: Session = {
      sid: `${chance.hex(20)}_A`,
      account: person.account,
      issuedAt: schedule.now - hour,
      authenticatedAt: schedule.now - hour,
      seenAt: schedule.now,
      renewedAt: schedule.now,
      newDeviceSince: undefined,
      revoked: 'contained',
      sightings: new Map(),
    }
    person.account.sessions.add(session)
    person.cookies.set(chance.of(0.5) ? person.computer : person.phone, session)
  }
}
