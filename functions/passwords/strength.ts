import { type Match, ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary as common } from '@zxcvbn-ts/language-common'
import { dictionary as english } from '@zxcvbn-ts/language-en'
import { FAMOUS_PHRASES } from './famous-phrases.ts'
import { costOf, type Lexicon, type Part, read } from './patterns.ts'

/** The longest judged prefix: the time of zxcvbn grows faster than the length. */
const SEEN_CHARACTERS = 64
/** log10 of the guesses that a new password must cost. Online an account allows 90 guesses a day. */
const ENOUGH = 8
/**
 * With this many different words it is a phrase. It may contain one month or season, and even its most common words
 * cost 200 guesses.
 */
const PHRASE_WORDS = 4
const PHRASE_WORD_COST = Math.log10(200)
const SHORTEST_PHRASE_WORD = 3
/** Shorter names occur inside other words. */
const FAMOUS_LENGTH = 12
const CONTEXT_COST = 0.3
/** A second month, season, year or date costs little, because it is usually derived from the first. */
const NEXT_COUNTED_COST = 0.7
const LEET_COST = 0.15

/** Sequences that people recite. Colours and animals are not among them: pass-phrases use them. */
const COUNTED = {
  'cardinalNumbers-en': english['cardinalNumbers-en'],
  'ordinalNumbers-en': english['ordinalNumbers-en'],
  'daysOfWeek-en': english['daysOfWeek-en'],
  'months-en': english['months-en'],
  'seasons-en': english['seasons-en'],
  'militaryAlphabet-en': english['militaryAlphabet-en'],
}
/**
 * Dictionaries whose words may be part of a phrase. The ends of the longest lists are left out: they are two thirds
 * of what zxcvbn loads, and a rare word is as strong as its letters.
 */
const PROSE = {
  'diceware-common': common['diceware-common'],
  'commonWords-en': english['commonWords-en'].slice(0, 20_000),
  'wikipedia-en': english['wikipedia-en'].slice(0, 10_000),
}
const KNOWN = {
  'passwords-common': common['passwords-common'],
  'firstnames-en': english['firstnames-en'],
  'lastnames-en': english['lastnames-en'].slice(0, 10_000),
  ...PROSE,
  famous: [...FAMOUS_PHRASES],
}

const ZXCVBN = new ZxcvbnFactory({
  dictionary: { ...KNOWN, ...COUNTED },
  graphs: adjacencyGraphs,
  maxLength: SEEN_CHARACTERS,
  // With the default of 100 a password of digits takes half a second.
  l33tMaxSubstitutions: 4,
})
const RANKS = new Map<string, number>()
for (const list of Object.values({ ...KNOWN, ...COUNTED })) {
  for (const [index, word] of list.entries()) RANKS.set(word, Math.min(index + 1, RANKS.get(word) ?? index + 1))
}
const COUNTED_WORDS = new Set(Object.values(COUNTED).flat())
const PROSE_WORDS = new Set(
  Object.values(PROSE)
    .flat()
    .filter((word) => !COUNTED_WORDS.has(word)),
)
const KEYBOARDS = [adjacencyGraphs.qwerty, adjacencyGraphs.qwertz, adjacencyGraphs.azerty].map(besideOn)

/**
 * Whether a new password takes too few guesses of somebody who knows the common passwords, words, names, phrases,
 * keyboards, years, this service and this person's address.
 * @param context words of the service and of the person, in lower case
 * @returns false also for what nobody could guess in a lifetime of online tries, if it was made as common ones are
 */
export function isGuessable(password: string, context: readonly string[]): boolean {
  return !isPhrase(password, context) && guesses(password, context) < ENOUGH
}

/**
 * Whether it is a phrase: at least four words, three of them different, that belong to no sequence and do not begin a
 * famous phrase. Without its spaces such a text may look like fewer and longer words.
 */
function isPhrase(password: string, context: readonly string[]): boolean {
  const lower = password.toLowerCase()
  const words = lower.split(/[^\p{L}]+/u).filter((word) => word.length >= SHORTEST_PHRASE_WORD)
  const usual = words.filter((word) => PROSE_WORDS.has(word) && !context.includes(word))
  const countedOff = words.filter((word) => COUNTED_WORDS.has(word))
  if (usual.length + countedOff.length < words.length || countedOff.length > 1) return false
  if (words.length < PHRASE_WORDS || new Set(usual).size < PHRASE_WORDS - 1) return false
  const bare = lower.replaceAll(/[^\p{L}]/gu, '')
  return !FAMOUS_PHRASES.some((phrase) => phrase.length >= FAMOUS_LENGTH && bare.includes(phrase))
}

/** @returns log10 of the guesses, by the cheapest of several readings */
function guesses(password: string, context: readonly string[]): number {
  const seen = [...password.normalize('NFKC')].slice(0, SEEN_CHARACTERS).join('')
  const lower = seen.toLowerCase()
  const bare = lower.replaceAll(/[^\p{L}\p{N}]/gu, '')
  const separators = [...new Set(lower.match(/[^\p{L}\p{N}]/gu))].reduce((sum, each) => sum + costOf(each), 0)
  const unleet = withoutLeet(lower)
  const lexicon: Lexicon = { rankOf: (word) => RANKS.get(word), context: new Set(context), keyboards: KEYBOARDS }
  const byPatterns = (text: string) => total(read([...text], lexicon).parts)
  const byZxcvbn = (text: string) => total(ZXCVBN.check(text, [...context]).sequence.map(partOf))
  return Math.min(
    byPatterns(lower),
    byPatterns(unleet) + LEET_COST * differences(lower, unleet),
    byPatterns(bare) + separators,
    byZxcvbn(seen),
    byZxcvbn(seen.replaceAll(/[^\p{L}\p{N}]/gu, '')) + separators,
  )
}

/**
 * The costs of the parts, added up. The total of zxcvbn adds 10,000 per further part, which makes many cheap parts
 * look strong.
 */
function partOf(match: Match & { guessesLog10?: number }): Part {
  const isContext = match.pattern === 'dictionary' && match.dictionaryName === 'userInputs'
  const kind = isContext ? 'context' : match.pattern === 'dictionary' ? 'word' : 'pattern'
  return { text: match.token.toLowerCase(), kind, cost: isContext ? CONTEXT_COST : (match.guessesLog10 ?? 0) }
}

/** A repeated part costs nothing more. */
function total(parts: readonly Part[]): number {
  const distinct = new Map(parts.map((part) => [part.text, part]))
  const isCounted = ({ kind, text }: Part) => kind === 'date' || COUNTED_WORDS.has(text)
  const isProse = ({ kind, text }: Part) => kind === 'word' && PROSE_WORDS.has(text)
  const words = [...distinct.values()]
  const [proseWords, countedWords] = [words.filter(isProse).length, words.filter(isCounted).length]
  const phrase = proseWords + Math.min(countedWords, 1) >= PHRASE_WORDS
  let sum = 0
  let counting = false
  for (const part of parts) {
    if (part.kind === 'character') sum += part.cost
    else if (distinct.get(part.text) !== part) continue
    else if (isCounted(part)) {
      sum += counting ? Math.min(part.cost, NEXT_COUNTED_COST) : part.cost
      counting = true
    } else sum += phrase && isProse(part) ? Math.max(part.cost, PHRASE_WORD_COST) : part.cost
  }
  return sum
}

/** @returns how many characters differ between two texts of the same length */
const differences = (a: string, b: string): number => [...a].filter((character, at) => character !== b[at]).length

const LEET: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '8': 'b',
  '3': 'e',
  '€': 'e',
  '6': 'g',
  '1': 'i',
  '!': 'i',
  '|': 'l',
  '0': 'o',
  '5': 's',
  $: 's',
  '7': 't',
  '+': 't',
  '2': 'z',
}
const withoutLeet = (text: string): string => text.replaceAll(/[^a-z\s]/g, (character) => LEET[character] ?? character)

/** @returns whether two keys are neighbours; an entry of a graph lists the neighbours of a key, plain and shifted */
function besideOn(graph: Readonly<Record<string, readonly (string | null)[]>>): (a: string, b: string) => boolean {
  const pairs = new Set<string>()
  for (const [key, neighbours] of Object.entries(graph)) {
    for (const neighbour of neighbours) for (const other of neighbour ?? '') pairs.add(`${key}${other}`.toLowerCase())
  }
  return (a, b) => pairs.has(a + b)
}
