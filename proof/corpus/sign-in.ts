import { type Authenticator, CODE_MS, stepAt } from './authenticator.ts'
import type { Device } from './devices.ts'
import type { Network } from './networks.ts'
import { type Person, slipsOf, type Town, visitorOf } from './people.ts'
import { type Activity, MINUTE, SECOND } from './schedule.ts'
import type { Visitor } from './site.ts'

/** Passwords that many people had elsewhere and enter by mistake. */
const POPULAR = ['password', '123456789', 'qwertyuiop', 'benfica1904', 'iloveyou', 'princesa', 'abc12345']

/** How often a password is mistyped before the right one: mostly never, sometimes once to four times. */
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
/** A code with a digit too few, which is wrong at any time. */
const WRONG_CODE = '00000'

/** Signs in, with the slips of an ordinary day. @returns false if the person gave up */
export async function* signIn(town: Town, person: Person, device: Device, network: Network): Activity<boolean> {
  const { chance, site } = town
  const { email } = person
  const visitor = () => visitorOf(town, device, network)
  if (chance.of(0.012)) {
    // An address without its last letter, which nobody has.
    await site.signIn(visitor(), email.slice(1), person.password)
    yield chance.between(5, 40) * SECOND
  }
  // Only on a device that the account knows: on another one this is what takeover-after-failures detects.
  const hasForgotten = chance.of(0.004) && (await site.recognises(device, email))
  const slips = hasForgotten ? chance.between(5, 9) : slipsOf(person, chance.weighted(SLIPS), town)
  const wrong = chance.of(0.3) ? chance.pick(person.oldPasswords) : undefined
  for (let i = 0; i < slips; i++) {
    const typed = wrong ?? (chance.of(0.02) ? chance.pick(POPULAR) : `slip ${chance.hex(12)}`)
    if (!hasForgotten) person.misses.push(town.schedule.now)
    if ((await site.signIn(visitor(), email, typed)).kind === 'throttled') return false
    // A password manager fills in an old entry at once; people read the page first.
    yield wrong && i === 0 ? 2 * SECOND : chance.between(4, 30) * SECOND
    // After four wrong ones, half of the people look for their note of it.
    if (i % 4 === 3 && chance.of(0.5)) yield chance.between(3, 15) * MINUTE
  }
  // Half of the people who have forgotten it look it up at home.
  if (slips > 4 && chance.of(0.5)) return false
  const outcome = await site.signIn(visitor(), email, person.password)
  if (outcome.kind !== 'challenge') return outcome.kind === 'issued'
  return yield* enterCode(town, person, outcome.mfaToken, visitor)
}

async function* enterCode(town: Town, person: Person, mfaToken: string, visitor: () => Visitor): Activity<boolean> {
  const { chance, site } = town
  // The phone is in another room.
  yield chance.of(0.003) ? 6 * MINUTE : chance.between(6, 25) * SECOND
  for (let slips = chance.weighted(CODE_SLIPS); slips > 0; slips--) {
    await site.enterCode(visitor(), mfaToken, WRONG_CODE)
    yield chance.between(6, 25) * SECOND
  }
  const { authenticator } = person
  if (!authenticator) return false
  return yield* typeCode(town, authenticator, (code) => site.enterCode(visitor(), mfaToken, code))
}

/** Enters the code that the phone shows now. @param submit returns whether it was accepted */
export async function* typeCode(
  { chance, schedule }: Town,
  authenticator: Authenticator,
  submit: (code: string) => Promise<boolean>,
): Activity<boolean> {
  for (;;) {
    const step = stepAt(schedule.now)
    const isUsed = step <= authenticator.usedStep
    // One code on two devices: the second is refused, and its user waits for the next code.
    if (isUsed && !chance.of(0.5)) {
      yield CODE_MS
      continue
    }
    if (await submit(await authenticator.codeOf(step))) {
      authenticator.usedStep = step
      return true
    }
    if (!isUsed) return false
    yield 1.5 * CODE_MS
  }
}
