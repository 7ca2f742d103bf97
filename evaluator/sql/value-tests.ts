import { type ExactNumber, exactNumber } from '../search/exact-number.ts'
import type { Bound, PatternPart, Value } from '../search/search-ast.ts'
import { both, either, number, pattern, text } from './literals.ts'

/** What a search asks of one value, for each type that the value may have. Each condition is true or false, never NULL. */
export interface ValueTest {
  /** Of a text. */
  string(sql: string): string
  /** Of a number: the text of its token in JSON. */
  number(token: string): string
  /** Of `true` or `false`, as text. */
  boolean(sql: string): string
  /** Of an object. */
  readonly object: boolean
  /** The one text that it asks for, with case: then values of JSON compare with it as they are written. */
  readonly exact?: string
  /** A text that it finds, as tags have it. */
  readonly usual?: string
}

/** The test of the whole of an attribute or tag. @see wholeMatcher */
export function wholeTest(value: Value, caseless: boolean): ValueTest {
  switch (value.kind) {
    case 'exists':
      return EVERYTHING
    case 'text':
      return equals(value.text, caseless)
    case 'pattern':
      return textTest((sql) => matches(`^${value.parts.map(wholePart).join('')}$`, sql, caseless))
    case 'compare':
      return ordered(value.operator, value.bound, caseless)
    case 'range': {
      const { lower, upper } = value
      const above = lower === undefined ? EVERYTHING : ordered(value.includesLower ? '>=' : '>', lower, caseless)
      const below = upper === undefined ? EVERYTHING : ordered(value.includesUpper ? '<=' : '<', upper, caseless)
      return {
        string: (sql) => both([above.string(sql), below.string(sql)]),
        number: (token) => both([above.number(token), below.number(token)]),
        boolean: (sql) => both([above.boolean(sql), below.boolean(sql)]),
        object: above.object && below.object,
      }
    }
  }
}

const WORD = String.raw`\p{L}\p{N}_`

/**
 * The test of words in a text. RE2 looks at no character without taking it; because it is only asked whether there is a match, the
 * characters on either side may be taken.
 * @see textMatcher
 */
export function wordsTest(value: Value): ValueTest {
  if (value.kind === 'exists') return EVERYTHING
  if (value.kind !== 'text' && value.kind !== 'pattern') throw new Error(`text has no ${value.kind}`)
  const parts: readonly PatternPart[] = value.kind === 'text' ? [{ text: value.text }] : value.parts
  const body = parts.map((part) => wholePart(part).replace(/ +/g, `[^${WORD}]+`)).join('')
  const isAnchored = isRun(parts[0]) || isRun(parts.at(-1))
  const before = isAnchored ? '^' : isWord(parts[0], 0) ? `(?:^|[^${WORD}])` : ''
  const after = isAnchored ? '$' : isWord(parts.at(-1), -1) ? `(?:$|[^${WORD}])` : ''
  return textTest((sql) => matches(before + body + after, sql, true))
}

const isRun = (part: PatternPart | undefined) => part !== undefined && 'wildcard' in part && part.wildcard === '*'

function isWord(part: PatternPart | undefined, end: 0 | -1): boolean {
  if (!part || !('text' in part)) return part !== undefined
  return /[\p{L}\p{N}_]/u.test(Array.from(part.text).at(end) ?? '')
}

function wholePart(part: PatternPart): string {
  if ('text' in part) return pattern(part.text)
  return part.wildcard === '*' ? '.*' : '.'
}

const matches = (regex: string, sql: string, caseless: boolean): string =>
  `regexp_matches(${sql}, ${text(`(?s${caseless ? 'i' : ''})${regex}`)})`

const EVERYTHING: ValueTest = { string: () => 'true', number: () => 'true', boolean: () => 'true', object: true }

/** A test of the text of any scalar. */
const textTest = (test: (sql: string) => string): ValueTest => ({
  string: test,
  number: (token) => test(`ap_number(${token})`),
  boolean: test,
  object: false,
})

function equals(wanted: string, caseless: boolean): ValueTest {
  const asNumber = exactNumber(wanted)
  const lowered = wanted.toLowerCase()
  const isBoolean = wanted === 'true' || wanted === 'false'
  return {
    string: (sql) =>
      caseless
        ? `(lower(${sql}) = ${text(lowered)} AND len(${sql}) = ${Array.from(wanted).length})`
        : `${sql} = ${text(wanted)}`,
    number: (token) => (asNumber === undefined ? 'false' : compared(token, '=', asNumber)),
    boolean: (sql) => (isBoolean ? `${sql} = '${wanted}'` : 'false'),
    object: false,
    usual: wanted,
    ...(!caseless && asNumber === undefined && !isBoolean && !/[\p{Cc}\p{Cs}]/u.test(wanted) ? { exact: wanted } : {}),
  }
}

type Order = '>' | '>=' | '<' | '<=' | '='

/** Numbers compare with numbers and with text that reads as one; text only with text. */
function ordered(operator: Order, bound: Bound, caseless: boolean): ValueTest {
  const none = { boolean: () => 'false', object: false }
  if (typeof bound === 'string') {
    const limit = text(caseless ? bound.toLowerCase() : bound)
    return {
      ...none,
      string: (sql) => `${caseless ? `lower(${sql})` : sql} ${operator} ${limit}`,
      number: () => 'false',
    }
  }
  const test = (token: string) => compared(token, operator, bound)
  return {
    ...none,
    // Not all of a condition is evaluated in order: what is not a number must not fail in the comparison.
    string: (sql) => `CASE WHEN ap_is_numeric(${sql}) THEN ${test(sql)} ELSE false END`,
    number: test,
  }
}

/** The largest whole number of which a HUGEINT holds all digits is about 1.7e38. */
const LARGEST = 1e38

/** Compares a token that reads as a number with a number, exactly. */
function compared(token: string, operator: Order, bound: ExactNumber): string {
  const double = `coalesce(try_cast(${token} AS DOUBLE) ${operator} ${number(Number(bound))}, false)`
  const isHuge =
    typeof bound === 'bigint' ? bound > BigInt(LARGEST) || bound < -BigInt(LARGEST) : Math.abs(bound) > LARGEST
  if (isHuge || (typeof bound === 'number' && !Number.isInteger(bound))) return double
  const huge = `'${BigInt(bound)}'::HUGEINT`
  const whole = `coalesce(try_cast(${token} AS HUGEINT) ${operator} ${huge}, ${double})`
  if (typeof bound === 'number') return `CASE WHEN ap_is_long(${token}) THEN ${whole} ELSE ${double} END`
  const fromDouble = `coalesce(try_cast(try_cast(${token} AS DOUBLE) AS HUGEINT) ${operator} ${huge}, ${double})`
  return `CASE WHEN ap_is_long(${token}) THEN ${whole} ELSE ${fromDouble} END`
}

/** The test of a scalar or object of JSON. */
export function jsonTest(test: ValueTest, json: string): string {
  if (test === EVERYTHING) return 'true'
  if (test.exact !== undefined) return `${json} = ${text(JSON.stringify(test.exact))}`
  const token = `${json}::VARCHAR`
  const long = test.string(token)
  const plain = test.number(token)
  const number = plain === long ? plain : `CASE WHEN ap_is_long(${token}) THEN ${long} ELSE ${plain} END`
  return [
    `CASE WHEN ${json} LIKE '"%' THEN ${test.string(`(${json}->>'$')`)}`,
    `WHEN ${json} LIKE '{%' THEN ${test.object}`,
    `WHEN ${json} IN ('true', 'false') THEN ${test.boolean(token)}`,
    `ELSE ${number} END`,
  ].join(' ')
}

/** The test of any of several values of JSON, in a list. */
export const anyOfJson = (test: ValueTest, list: string): string =>
  `len(list_filter(${list}, lambda v: ${jsonTest(test, 'v')})) > 0`

/** The test of any of several texts, in a list. */
export const anyOfTexts = (test: ValueTest, list: string): string =>
  `len(list_filter(${list}, lambda v: ${test.string('v')})) > 0`

/** Either of several tests of one value. */
export const eitherTest = (tests: readonly ValueTest[]): ValueTest => {
  const [only] = tests
  if (only && tests.length === 1) return only
  return {
    string: (sql) => either(tests.map((test) => test.string(sql))),
    number: (token) => either(tests.map((test) => test.number(token))),
    boolean: (sql) => either(tests.map((test) => test.boolean(sql))),
    object: tests.some((test) => test.object),
  }
}
