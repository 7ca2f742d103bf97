import { Authenticator, stepAt } from './authenticator.ts'
import { WEAK_PASSWORD } from './hosts.ts'
import { type Person, slipsOf, type Town } from './people.ts'
import { type Activity, SECOND } from './schedule.ts'
import { typeCode } from './sign-in.ts'
import type { Visitor } from './site.ts'

/**
 * Re-authenticates with the password, and with a code if the second factor is on.
 * @param slips wrong passwords before the right one
 * @returns whether it was accepted
 */
export async function* proveAgain(town: Town, person: Person, visitor: Visitor, slips = 0): Activity<boolean> {
  const { chance, site } = town
  for (let left = slipsOf(person, slips, town); left > 0; left--) {
    person.misses.push(town.schedule.now)
    await site.reauthenticate(visitor, 'slip', undefined)
    yield chance.between(5, 30) * SECOND
  }
  yield chance.between(5, 30) * SECOND
  const submit = async (code?: string) => (await site.reauthenticate(visitor, person.password, code))?.kind === 'issued'
  return person.authenticator ? yield* typeCode(town, person.authenticator, submit) : submit()
}

/** Asks for a change. If the service demands a re-authentication first, does that and asks again. */
async function* afterProof<T extends { kind: string }>(
  town: Town,
  person: Person,
  visitor: Visitor,
  ask: () => Promise<T | undefined>,
): Activity<T | undefined> {
  const outcome = await ask()
  if (outcome?.kind !== 'step-up' || !(yield* proveAgain(town, person, visitor))) return outcome
  return ask()
}

export async function* changePassword(town: Town, person: Person, visitor: Visitor): Activity {
  const { chance, site } = town
  const submit = (next: string) =>
    afterProof(town, person, visitor, () => site.changePassword(visitor, person.password, next))
  if (chance.of(0.2)) yield* submit(WEAK_PASSWORD)
  const next = `${person.password} and ${chance.hex(4)}`
  const outcome = yield* submit(next)
  if (outcome?.kind !== 'issued') return
  person.oldPasswords.push(person.password)
  person.password = next
}

/** Turns the second factor on, or off if it is on. */
export async function* switchSecondFactor(town: Town, person: Person, visitor: Visitor): Activity {
  const { chance, site, schedule } = town
  if (person.authenticator) {
    const outcome = yield* afterProof(town, person, visitor, () => site.disableTotp(visitor))
    if (outcome?.kind === 'disabled') person.authenticator = undefined
    return
  }
  const offer = yield* afterProof(town, person, visitor, () => site.enrolTotp(visitor))
  if (offer?.kind !== 'offered') return
  yield chance.between(10, 40) * SECOND
  const authenticator = new Authenticator(offer.secret)
  const step = stepAt(schedule.now)
  const outcome = await site.confirmTotp(visitor, await authenticator.codeOf(step))
  if (outcome?.kind !== 'enabled') return
  authenticator.usedStep = step
  person.authenticator = authenticator
}
