import { randomBytes } from 'node:crypto'
import type { Random } from './random.ts'

export interface Account {
  readonly email: string
  readonly password: string
}

/** Somebody with an account; the first name is for the story. */
export interface Person extends Account {
  readonly name: string
}

const NAMES = [
  ...['Amara', 'Bruno', 'Chloe', 'Dilan', 'Elif', 'Farid', 'Greta', 'Hana', 'Ines', 'Jonas', 'Kofi', 'Lena', 'Mateo'],
  ...[
    'Noor',
    'Olga',
    'Paulo',
    'Quentin',
    'Rosa',
    'Samir',
    'Tuuli',
    'Usha',
    'Viktor',
    'Wanda',
    'Ximena',
    'Yusuf',
    'Zoe',
  ],
]
const WORDS = [
  'amber',
  'birch',
  'cobalt',
  'dune',
  'ember',
  'fjord',
  'grove',
  'harbor',
  'indigo',
  'juniper',
  'kelp',
  'lagoon',
]

const invented = new WeakMap<Random, number>()
/** How many people one run has invented so far. */
export const peopleCast = (random: Random): number => invented.get(random) ?? 0

/**
 * New people with names of their own: nobody has an account of theirs yet, and no password is used twice.
 * @throws RangeError for more than there are names
 */
export function castPeople(count: number, random: Random): Person[] {
  if (count > NAMES.length) throw new RangeError(`there are only ${NAMES.length} names`)
  invented.set(random, peopleCast(random) + count)
  return random
    .shuffle(NAMES)
    .slice(0, count)
    .map((name) => ({ name, email: newEmail(name.toLowerCase()), password: newPassword(random) }))
}

/** Lines of a leaked list: well-formed logins of nobody here, each with its own password. */
export function leakedList(count: number, random: Random): Account[] {
  return Array.from({ length: count }, () => ({
    email: newEmail(random.pick(NAMES).toLowerCase()),
    password: newPassword(random),
  }))
}

/** A slip of the finger: two neighbouring characters change places, or the last one is missing. */
export function mistype(password: string, random: Random): string {
  const at = random.int(password.length - 1)
  const swapped = password.slice(0, at) + password.charAt(at + 1) + password.charAt(at) + password.slice(at + 2)
  return swapped === password ? password.slice(0, -1) : swapped
}

/** @see RFC 2606, example domains */
const newEmail = (name: string): string => `${name}.${randomBytes(4).toString('hex')}@example.com`

const newPassword = (random: Random): string =>
  [random.pick(WORDS), random.pick(WORDS), randomBytes(6).toString('hex')].join('-')
