import type { PatternPart } from './search-ast.ts'

/** What a pattern accepts around its match. */
export interface Ends {
  /** Whether the whole text must match. */
  readonly anchored: boolean
  /** Whether the match must begin, or end, at the boundary of a word. */
  readonly before: boolean
  readonly after: boolean
}

export interface WildcardOptions extends Ends {
  readonly caseless: boolean
  /** Whether a space stands for whatever parts two words. */
  readonly phrases: boolean
}

const WORD = /^[\p{L}\p{N}_]$/isu
const OTHER = /^[^\p{L}\p{N}_]$/isu

/** Accepts one character, or any number of them. */
interface Element {
  readonly isMany: boolean
  readonly accepts: (character: string) => boolean
}

/**
 * Whether a regular expression decides in a time that grows with the length of the text. With `*` between two texts, or a space
 * that does not follow a letter, there are many ways to divide a text, and a regular expression tries all of them.
 */
export function isQuick(parts: readonly PatternPart[], phrases: boolean): boolean {
  const inner = parts.filter(
    (part, at) => !isRun(part) || !(parts.slice(0, at).every(isRun) || parts.slice(at).every(isRun)),
  )
  if (inner.some(isRun)) return false
  return !phrases || inner.every((part) => !('text' in part) || !/(?:^|[^\p{L}\p{N}_ ]) /u.test(part.text))
}

const isRun = (part: PatternPart): boolean => 'wildcard' in part && part.wildcard === '*'

/** Tests a text against a pattern, all ways at once: the time is at most the product of both lengths. */
export function wildcardTest(parts: readonly PatternPart[], options: WildcardOptions): (text: string) => boolean {
  const elements = parts.flatMap((part) => elementsOf(part, options))
  return (text) => new Reading(elements, options).test(text)
}

/** The places in the pattern that the text read so far leads to. */
class Reading {
  readonly #elements: readonly Element[]
  readonly #ends: Ends
  #places: number[] = []
  /** The step in which each place was added last. */
  readonly #added: Int32Array
  #step = 0

  constructor(elements: readonly Element[], ends: Ends) {
    this.#elements = elements
    this.#ends = ends
    this.#added = new Int32Array(elements.length + 1).fill(-1)
  }

  test(text: string): boolean {
    const { anchored, after } = this.#ends
    let last = ''
    for (const character of text) {
      this.#begin(last)
      if (!anchored && this.#isAtEnd && !(after && WORD.test(character))) return true
      this.#read(character)
      if (anchored && this.#places.length === 0) return false
      last = character
    }
    this.#begin(last)
    return this.#isAtEnd
  }

  /** @param last the character before, or none */
  #begin(last: string): void {
    const { anchored, before } = this.#ends
    if (anchored ? this.#step === 0 : !(before && WORD.test(last))) this.#add(0)
  }

  get #isAtEnd(): boolean {
    return this.#added[this.#elements.length] === this.#step
  }

  #read(character: string): void {
    const places = this.#places
    this.#places = []
    this.#step++
    for (const place of places) {
      const element = this.#elements[place]
      if (element?.accepts(character)) this.#add(element.isMany ? place : place + 1)
    }
  }

  /** A place before any number of characters is also the one after them. */
  #add(from: number): void {
    for (let place = from; this.#added[place] !== this.#step; place++) {
      this.#added[place] = this.#step
      this.#places.push(place)
      if (!this.#elements[place]?.isMany) return
    }
  }
}

function elementsOf(part: PatternPart, { caseless, phrases }: WildcardOptions): Element[] {
  if ('wildcard' in part) return [{ isMany: part.wildcard === '*', accepts: () => true }]
  const characters = phrases ? part.text.replace(/ +/g, ' ') : part.text
  return Array.from(characters, (character) => {
    if (phrases && character === ' ') return [isOther, { ...isOther, isMany: true }]
    return { isMany: false, accepts: caseless ? caselessly(character) : (found: string) => found === character }
  }).flat()
}

const isOther: Element = { isMany: false, accepts: (character) => OTHER.test(character) }

/** As the flags `i` and `u` of a regular expression compare. */
function caselessly(character: string): (found: string) => boolean {
  const lower = character.toLowerCase()
  const folded = new RegExp(`^${character.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`, 'iu')
  return (found) =>
    found === character ||
    (found < '\u0080' && character < '\u0080' ? found.toLowerCase() === lower : folded.test(found))
}
