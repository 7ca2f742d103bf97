/** A text as parts that a guesser would try as one, with their guesses. */
export interface Reading {
  parts: readonly Part[]
}
export interface Part {
  text: string
  kind: 'character' | 'word' | 'context' | 'pattern' | 'date'
  /** log10 of the guesses that this part takes. */
  cost: number
}

export interface Lexicon {
  /** @returns the place of a word in order of use, from 1, or undefined */
  rankOf: (word: string) => number | undefined
  /** Words of this service and of this person, in lower case. */
  context: ReadonlySet<string>
  /** Which keys lie beside each other, for each layout. */
  keyboards: readonly ((a: string, b: string) => boolean)[]
}

/** Even the first words of a list cost 50 guesses, as in zxcvbn. */
const WORD_FLOOR = Math.log10(50)
const LONGEST_WORD = 40
/** A year, or a day of one in any order. */
const YEAR = /^(?:19|20)\d\d$/
const DATE = /^(?:\d{1,2}([-/. ]?)\d{1,2}\1(?:19|20)\d\d|(?:19|20)\d\d([-/. ]?)\d\d\2\d\d)$/
const DATE_COST = 3.5

/** One letter or digit costs ten guesses, as in zxcvbn: people do not choose among all 26. */
const CHARACTER_COST = 1
/** Characters that people put between and after words. A second use of the same one is free. */
const USUAL_SEPARATOR = /[-_.,!? ]/
const USUAL_SEPARATOR_COST = 0.5
const SEPARATOR_COST = 0.2
const CONTEXT_COST = 0.3

/**
 * Finds the cheapest reading of a text as words, years, patterns and single characters, by dynamic programming. In a
 * pattern each character follows from the one `lag` places before: the same one (any repetition, `abcabc`), a
 * neighbouring key (`qwerty`, `1qaz2wsx`, `1q2w3e`) or one or two steps along the alphabet (`abcd`, `2468`,
 * `a1b2c3`). The total of zxcvbn adds 10,000 per further part, which makes many cheap parts look strong; here the
 * costs of parts add up.
 * @param text in lower case
 */
export function read(text: readonly string[], lexicon: Lexicon): Reading {
  const best: { cost: number; part?: Part; from: number }[] = [{ cost: 0, from: 0 }]
  const offer = (from: number, to: number, kind: Part['kind'], cost: number) => {
    const total = (best[from]?.cost ?? Number.POSITIVE_INFINITY) + cost
    if (total < (best[to]?.cost ?? Number.POSITIVE_INFINITY)) {
      best[to] = { cost: total, from, part: { text: text.slice(from, to).join(''), kind, cost } }
    }
  }
  const runs = patternsOf(text, lexicon.keyboards)
  const seen = new Set<string>()
  for (const [at, character] of text.entries()) {
    offer(at, at + 1, 'character', seen.has(character) && isSeparator(character) ? SEPARATOR_COST : costOf(character))
    seen.add(character)
    offerWords(text, at, lexicon, offer)
    const longest = runs[at] ?? 0
    for (let length = 3; length <= longest; length++) offer(at, at + length, 'pattern', 1 + 0.05 * length)
  }
  const parts: Part[] = []
  for (let last = best[text.length]; last?.part; last = best[last.from]) parts.unshift(last.part)
  return { parts }
}

function offerWords(
  text: readonly string[],
  at: number,
  { rankOf, context }: Lexicon,
  offer: (from: number, to: number, kind: Part['kind'], cost: number) => void,
): void {
  let word = text[at] ?? ''
  for (let to = at + 2; to <= Math.min(text.length, at + LONGEST_WORD); to++) {
    word += text[to - 1]
    if (context.has(word)) offer(at, to, 'context', CONTEXT_COST)
    else if (YEAR.test(word)) offer(at, to, 'date', WORD_FLOOR)
    else if (to - at >= 6 && to - at <= 10 && DATE.test(word)) offer(at, to, 'date', DATE_COST)
    const rank = rankOf(word)
    if (rank !== undefined) offer(at, to, 'word', Math.max(WORD_FLOOR, Math.log10(rank)))
  }
}

/** @returns log10 of the guesses that one character takes */
export const costOf = (character: string): number =>
  USUAL_SEPARATOR.test(character) ? USUAL_SEPARATOR_COST : CHARACTER_COST

const isSeparator = (character: string): boolean => !/[\p{L}\p{N}]/u.test(character)

type Follows = (character: string, before: string) => boolean

const stepOf =
  (step: number): Follows =>
  (character, before) =>
    /^[a-z0-9]$/.test(character) && (character.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0) === step
const STEPS = [1, -1, 2, -2].map(stepOf)
const isSame: Follows = (character, before) => character === before

/** @returns for each index, how many characters from there follow one pattern */
function patternsOf(text: readonly string[], keyboards: Lexicon['keyboards']): number[] {
  const longest: number[] = Array(text.length).fill(0)
  const near = keyboards.map(
    (beside): Follows =>
      (a, b) =>
        a === b || beside(a, b),
  )
  const kinds: readonly (readonly [follows: Follows, longestLag: number])[] = [
    [isSame, text.length],
    ...near.map((follows) => [follows, 4] as const),
    ...STEPS.map((follows) => [follows, 4] as const),
  ]
  for (const [follows, longestLag] of kinds) {
    for (let lag = 1; lag <= Math.min(longestLag, text.length - 1); lag++) {
      let run = 0
      for (let at = text.length - 1; at >= lag; at--) {
        run = follows(text[at] ?? '', text[at - lag] ?? '') ? run + 1 : 0
        // Short runs occur by chance, more often with more lags and layouts.
        if (run >= (lag === 1 || follows === isSame ? 3 : 4)) longest[at] = Math.max(longest[at] ?? 0, run)
      }
    }
  }
  return longest
}
