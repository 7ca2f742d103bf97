import { exactNumber } from './exact-number.ts'
import type { Bound, PatternPart, Value } from './search-ast.ts'
import { type Ends, isQuick, wildcardTest } from './wildcards.ts'

/** Whether one value of a log matches a part of the search. */
export type Matcher = (value: unknown) => boolean

/** Matches the whole of an attribute or tag: anchored at both ends. */
export function wholeMatcher(value: Value, caseless: boolean): Matcher {
  switch (value.kind) {
    case 'exists':
      return () => true
    case 'text':
      return equals(value.text, caseless)
    case 'pattern': {
      const { parts } = value
      const ends = { anchored: true, before: false, after: false }
      const pattern = isQuick(parts, false)
        ? testOf(new RegExp(`^${parts.map(wholePart).join('')}$`, caseless ? 'isu' : 'su'))
        : wildcardTest(parts, { ...ends, caseless, phrases: false })
      return (found) => isScalar(found) && pattern(String(found))
    }
    case 'compare':
      return ordered((order) => compares(order, value.operator), value.bound, caseless)
    case 'range': {
      const { lower, upper } = value
      const above =
        lower === undefined
          ? present
          : ordered((order) => order > 0 || (order === 0 && value.includesLower), lower, caseless)
      const below =
        upper === undefined
          ? present
          : ordered((order) => order < 0 || (order === 0 && value.includesUpper), upper, caseless)
      return (found) => above(found) && below(found)
    }
  }
}

/**
 * Matches inside a text, without case. A word or phrase is found between word boundaries; a leading or trailing `*` takes the
 * whole text: `web*` starts with, `*web` ends with, `*web*` contains, as the page says.
 *
 * Decision `word-boundaries`, undocumented what bounds a word: anything but letters, digits and `_`.
 *
 * Decision `phrase-separators`: a space in a phrase stands for whatever parts two words, so "hello world" finds "Hello, world" and
 * "hello-world"; documented for the same search in Observability Pipelines, undocumented for log search.
 */
export function textMatcher(value: Value): Matcher {
  if (value.kind === 'exists') return present
  if (value.kind !== 'text' && value.kind !== 'pattern') throw new Error(`text has no ${value.kind}`)
  const parts: readonly PatternPart[] = value.kind === 'text' ? [{ text: value.text }] : value.parts
  const anchored = isRun(parts[0]) || isRun(parts.at(-1))
  const [before, after] = [!anchored && startsWord(parts[0], 0), !anchored && startsWord(parts.at(-1), -1)]
  const pattern = isQuick(parts, true)
    ? testOf(new RegExp(textSource(parts, { anchored, before, after }), 'isu'))
    : wildcardTest(parts, { anchored, before, after, caseless: true, phrases: true })
  return (found) => isScalar(found) && pattern(String(found))
}

const testOf = (pattern: RegExp) => (text: string) => pattern.test(text)

const WORD_CHARACTER = '[\\p{L}\\p{N}_]'

function textSource(parts: readonly PatternPart[], { anchored, before, after }: Ends): string {
  const body = parts.map(wordsPart).join('')
  if (anchored) return `^${body}$`
  return `${before ? `(?<!${WORD_CHARACTER})` : ''}${body}${after ? `(?!${WORD_CHARACTER})` : ''}`
}

/** A phrase that itself begins with a special character has no word boundary there. */
function startsWord(part: PatternPart | undefined, end: 0 | -1): boolean {
  if (!part || !('text' in part)) return part !== undefined
  return new RegExp(WORD_CHARACTER, 'u').test(Array.from(part.text).at(end) ?? '')
}

const isRun = (part: PatternPart | undefined) => part !== undefined && 'wildcard' in part && part.wildcard === '*'

const wordsPart = (part: PatternPart): string => wholePart(part).replace(/ +/g, '[^\\p{L}\\p{N}_]+')

function wholePart(part: PatternPart): string {
  if ('text' in part) return part.text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
  return part.wildcard === '*' ? '.*' : '.'
}

const present: Matcher = () => true
const isScalar = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

/** Decision `number-and-text-alike`, undocumented: `@status:401` finds 401 and "401", and ranges read both as a number. */
function equals(text: string, caseless: boolean): Matcher {
  const number = exactNumber(text)
  const lowered = text.toLowerCase()
  return (found) => {
    if (typeof found === 'string') {
      return found === text || (caseless && found.length === text.length && found.toLowerCase() === lowered)
    }
    if (typeof found === 'number') return number !== undefined && orderOf<number | bigint>(found, number) === 0
    return typeof found === 'boolean' && String(found) === text
  }
}

/**
 * Numbers compare with numbers and with text that reads as one; text only with text.
 *
 * Decision `text-ranges`, undocumented: text is compared character by character, by code, and not by any language's alphabet;
 * tags and `status` without case, as in every other search.
 */
function ordered(holds: (order: number) => boolean, bound: Bound, caseless: boolean): Matcher {
  if (typeof bound === 'string') {
    const limit = caseless ? bound.toLowerCase() : bound
    return (found) => {
      if (typeof found !== 'string') return false
      return holds(orderOf(caseless ? found.toLowerCase() : found, limit))
    }
  }
  return (found) => {
    const number = typeof found === 'string' ? exactNumber(found) : found
    return (typeof number === 'number' || typeof number === 'bigint') && holds(orderOf(number, bound))
  }
}

/** Of two texts, or of two numbers: a number and a bigint compare exactly. */
const orderOf = <T extends string | number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

function compares(order: number, operator: '>' | '>=' | '<' | '<='): boolean {
  switch (operator) {
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
  }
}
