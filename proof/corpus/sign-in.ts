import { CODE_MS, type Pending, type Session } from './account.ts'
import type { Device } from './devices.ts'
import type { Network } from './networks.ts'
import { type Person, type Town, visitorOf } from './people.ts'
import { minute, second } from './schedule.ts'

/** A doing that has a result. */
export type Doing<T> = Generator<number, T, void>

/** Passwords that many have had, and type by mistake where they have another now. */
const POPULAR = ['password', '123456789', 'qwertyuiop', 'benfica1904', 'iloveyou', 'princesa', 'abc12345']

/** How often somebody mistypes before it is right: most never, some once to four times. */
const SLIPS: readonly (readonly [slips: number, weight: number])[] = [
  [0, 900],
  [1, 68],
  [2, 20],
  [3, 8],
  [4, 4],
]
const CODE_SLIPS: readonly (readonly [slips: number, weight: number])[] = [
  [0, 930],
  [1, 50],
  [2, 14],
  [3, 5],
  [4, 1],
]

/** Somebody signs in, with what goes wrong on an ordinary day. @returns the session, or undefined for who gave up */
export function* signIn(town: Town, person: Person, device: Device, network: Network): Doing<Session | undefined> {
  const { chance, service } = town
  const { account } = person
  const visitor = () => visitorOf(town, device, network)
  if (chance.of(0.012)) {
    // The address with a letter too few is nobody's.
    service.signIn({ email: account.email.replace(/.@/, '@'), hash: chance.hex(32) }, account.password, visitor())
    yield chance.between(5, 40) * second
  }
  const isKnown = account.tokens.has(device)
  const slips = isKnown && chance.of(0.004) ? chance.between(5, 9) : chance.weighted(SLIPS)
  const wrong = chance.of(0.3) ? chance.pick(person.oldPasswords) : undefined
  for (let i = 0; i < slips; i++) {
    const typed = wrong ?? (chance.of(0.02) ? chance.pick(POPULAR) : `slip ${chance.hex(12)}`)
    if (service.signIn(account, typed, visitor()).kind === 'throttled') return undefined
    // A password manager fills an old entry in at once; people read the page first.
    yield wrong && i === 0 ? 2 * second : chance.between(4, 30) * second
    // After four misses, half of them look for the note that it is written on.
    if (i % 4 === 3 && chance.of(0.5)) yield chance.between(3, 15) * minute
  }
  // Whoever has forgotten it looks it up at home, as often as not.
  if (slips > 4 && chance.of(0.5)) return undefined
  const outcome = service.signIn(account, account.password, visitor())
  if (outcome.kind === 'issued') return outcome.session
  return outcome.kind === 'challenge' ? yield* enterCode(town, outcome.pending, device, network) : undefined
}

function* enterCode(town: Town, pending: Pending, device: Device, network: Network): Doing<Session | undefined> {
  const { chance, service, schedule } = town
  const visitor = () => visitorOf(town, device, network)
  // The telephone is in the other room.
  yield chance.of(0.003) ? 6 * minute : chance.between(6, 25) * second
  for (let slips = chance.weighted(CODE_SLIPS); slips > 0; slips--) {
    service.enterCode(pending, undefined, visitor())
    yield chance.between(6, 25) * second
  }
  for (;;) {
    const step = Math.floor(schedule.now / CODE_MS)
    const isUsed = step <= pending.account.usedStep
    // One code on two devices: refused once, and then one waits for the next.
    if (isUsed && !chance.of(0.5)) {
      yield CODE_MS
      continue
    }
    const session = service.enterCode(pending, step, visitor())
    if (session || !isUsed) return session
    yield 1.5 * CODE_MS
  }
}
