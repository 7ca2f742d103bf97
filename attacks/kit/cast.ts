import { randomBytes } from 'node:crypto'
import type { Random } from './random.ts'

export interface Account {
  readonly email: string
  readonly password: string
}

/** A person with an account; the first name is for the narration. */
export interface Person extends Account {
  readonly name: string
}

const NAMES: readonly string[] =
  'Amara Bruno Chloe Dilan Elif Farid Greta Hana Ines Jonas Kofi Lena Mateo Noor Olga Paulo Quentin Rosa Samir Tuuli Usha Viktor Wanda Ximena Yusuf Zoe'.split(
    ' ',
  )
const WORDS: readonly string[] = 'amber birch cobalt dune ember fjord grove harbor indigo juniper kelp lagoon'.split(
  ' ',
)

/** The names still to be given in one run, and the number of people so far. */
interface Cast {
  readonly names: Generator<string, never>
  count: number
}

const CASTS = new WeakMap<Random, Cast>()

function* namesOf(random: Random): Generator<string, never> {
  for (;;) yield* random.shuffle(NAMES)
}

/** The number of people that one run has invented so far. */
export const peopleCast = (random: Random): number => CASTS.get(random)?.count ?? 0

/** Invents a person without an account yet. Emails and passwords are unique; first names repeat once all have been used. */
export function castPerson(random: Random): Person {
  const cast = CASTS.get(random) ?? { names: namesOf(random), count: 0 }
  CASTS.set(random, cast)
  cast.count++
  const name = cast.names.next().value
  return { name, email: newEmail(name.toLowerCase()), password: newPassword(random) }
}

/** Invents `count` people. @see castPerson */
export const castPeople = (count: number, random: Random): Person[] =>
  Array.from({ length: count }, () => castPerson(random))

/** A line of a leaked list: a well-formed login without an account here, with a password of its own. */
export const leakedLogin = (random: Random): Account => ({
  email: newEmail(random.pick(NAMES).toLowerCase()),
  password: newPassword(random),
})

/** `count` lines of a leaked list. @see leakedLogin */
export const leakedList = (count: number, random: Random): Account[] =>
  Array.from({ length: count }, () => leakedLogin(random))

/** A typing mistake: two neighbouring characters change places, or the last one is missing. */
export function mistype(password: string, random: Random): string {
  const at = random.int(password.length - 1)
  const swapped = password.slice(0, at) + password.charAt(at + 1) + password.charAt(at) + password.slice(at + 2)
  return swapped === password ? password.slice(0, -1) : swapped
}

/** @see RFC 2606, example domains */
const newEmail = (name: string): string => `${name}.${randomBytes(4).toString('hex')}@example.com`

const newPassword = (random: Random): string =>
  [random.pick(WORDS), random.pick(WORDS), randomBytes(6).toString('hex')].join('-')
