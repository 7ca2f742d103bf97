import { addressFields } from '../../shared/client/address.ts'
import { uuid } from './chance.ts'
import { newScript } from './devices.ts'
import { fixed } from './networks.ts'
import { type Person, type Town, visitorOf } from './people.ts'
import { type Activity, MINUTE, SECOND } from './schedule.ts'
import { signIn } from './sign-in.ts'
import { visit } from './visit.ts'

/** The sweeper's timer: once a minute, with the usual small delays. */
export async function* sweeps({ chance, site }: Town): Activity {
  for (;;) {
    const duration_ms = chance.between(4, 90)
    site.emit({
      evt: 'sweep',
      outcome: 'success',
      expired: chance.between(0, 6),
      contained: 0,
      failed: 0,
      duration_ms,
    })
    yield MINUTE + chance.between(-400, 400)
  }
}

/** Scanners of the internet request every path once, without credentials. */
export async function* scanners(town: Town): Activity {
  const { chance, site } = town
  const device = newScript()
  for (;;) {
    yield chance.between(1, 8) * MINUTE
    const scanner = visitorOf(town, device, fixed(`198.19.${chance.between(0, 250)}.${chance.between(1, 254)}`), 'api')
    const request = site.request(scanner)
    const { request_id, ip, network } = request
    const poke = chance.pick(['webhook', 'call', 'token', 'token'])
    if (poke === 'webhook') {
      site.emit({ evt: 'webhook', outcome: 'refused', reason: 'bad_secret', request_id, ip, network, level: 'warn' })
    } else if (poke === 'call') {
      const route = 'POST /contain/revoke'
      site.emit({ ...request, evt: 'call', outcome: 'refused', reason: 'bad_signature', route, level: 'warn' })
    } else {
      device.session = 'no token'
      await site.call(scanner)
    }
  }
}

/** Datadog also reports recoveries of other monitors, and delivers some notifications twice. */
export async function* webhooks({ chance, site }: Town): Activity {
  for (;;) {
    yield chance.between(60, 240) * MINUTE
    const address = addressFields('198.18.255.7')
    const about = { detection: 'account-brute-force', containment_id: chance.hex(32) }
    const reason = chance.of(0.5) ? 'not_a_trigger' : 'duplicate'
    for (let times = chance.between(1, 4); times > 0; times--) {
      site.emit({ evt: 'webhook', outcome: 'ignored', reason, ...about, request_id: uuid(chance), ...address })
      yield 2 * SECOND
    }
  }
}

/** A program that calls every five minutes and signs in every hour. After a change of its password it retries the old one at growing intervals. */
export async function* programme(town: Town, program: Person): Activity {
  const { chance, site } = town
  const visitor = () => visitorOf(town, program.computer, program.home, 'api')
  let waits = 1
  for (;;) {
    if (program.computer.session === undefined || !(await site.call(visitor()))) {
      if (chance.of(0.004)) waits = 64
      const password = waits > 1 ? 'the old one' : program.password
      if ((await site.signIn(visitor(), program.email, password)).kind !== 'issued') {
        yield (64 / waits) * MINUTE
        waits = Math.max(1, waits / 2)
        continue
      }
    }
    yield 5 * MINUTE + chance.between(-3, 3) * SECOND
  }
}

/** The session was contained shortly before the log begins. Its owner returns before the token expires. */
export async function* comesBack(town: Town, person: Person): Activity {
  const { chance, site } = town
  const device = chance.of(0.5) ? person.computer : person.phone
  if (!(yield* signIn(town, person, device, person.home))) return
  yield chance.between(10, 20) * MINUTE
  await site.contain(device)
  yield chance.between(20, 40) * MINUTE
  yield* visit(town, person, device, () => person.home, chance.between(1, 3))
}
