/** Counted in Unicode code points, because a password is the only factor until a second one is enrolled. */
export const PASSWORD_MIN = 15
export const PASSWORD_MAX = 256
/** Ignores shorter parts: they occur in too many words. */
const SHORTEST_CONTEXT_WORD = 3

export interface PasswordPolicy {
  /** Words of this service: an attacker tries them first. */
  service: readonly string[]
  /** Judges by dictionaries and patterns. See functions/passwords/strength.ts. */
  isGuessable: (password: string, context: readonly string[]) => boolean | Promise<boolean>
}

/**
 * Judges a new password. There are no composition rules, no trimming and no forced change.
 * @returns why the password is refused, for the person who chose it; undefined if it is accepted
 * @see NIST SP 800-63B-4 3.1.1.2
 */
export async function weakness(password: string, email: string, policy: PasswordPolicy): Promise<string | undefined> {
  const normal = password.normalize('NFKC')
  const length = [...normal].length
  if (length < PASSWORD_MIN) return `Use at least ${PASSWORD_MIN} characters; a few words in a row are fine.`
  if (length > PASSWORD_MAX) return `Use at most ${PASSWORD_MAX} characters.`
  const person = wordsOf(email)
  if (!(await policy.isGuessable(normal, [...policy.service, ...person]))) return undefined
  const lower = normal.toLowerCase()
  return person.some((word) => word.length > SHORTEST_CONTEXT_WORD && lower.includes(word))
    ? 'This password is easy to guess, because it is made of your email address.'
    : 'This password is easy to guess. Use four or more words that do not belong together.'
}

/** @param host of the pages of this service @returns the words that users of this service put into passwords */
export const serviceWords = (host: string): string[] => [
  'mini',
  'ato',
  'saas',
  'mini-ato-saas',
  'miniatosaas',
  ...wordsOf(host),
]

/** @returns a name without punctuation, and its parts, all in lower case */
function wordsOf(name: string): string[] {
  const lower = name.toLowerCase()
  const wholes = [lower, ...lower.split('@')]
  const words = [...wholes, ...wholes.map(bare), ...lower.split(/[^\p{L}\p{N}]+|(?<=\p{L})(?=\p{N})/u)]
  return [...new Set(words.filter((word) => word.length >= SHORTEST_CONTEXT_WORD))]
}

const bare = (text: string): string => text.replaceAll(/[^\p{L}\p{N}]/gu, '')
