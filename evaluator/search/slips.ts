import { type PatternPart, printSearch, type SearchNode, type Value } from './search-ast.ts'
import { type TermNode, termsOf } from './terms.ts'

/** A term that means something else than whoever wrote it means. */
export interface Slip {
  /** As it prints. */
  readonly term: string
  /** `and` is searched as a word; did you mean `AND`? */
  readonly text: string
  readonly suggestion: string
}

const WORDS = ['and', 'or', 'not']
const NETWORK = /^(?:\d{1,3}(?:\.\d{1,3}){3}\/\d{1,2}|[\da-f:]*:[\da-f:]*\/\d{1,3})$/i

/** The terms of a search that come from other languages of search: they are searched as texts. */
export function slipsIn(node: SearchNode): Slip[] {
  return termsOf(node).flatMap(({ node: term, text, excluded }) => {
    const suggestion = meantBy(term)
    if (suggestion === undefined) return []
    const shown = excluded ? `-${suggestion}` : suggestion
    return [{ term: text, suggestion, text: `\`${text}\` is searched as it stands; did you mean \`${shown}\`?` }]
  })
}

/** What a term of another language is called here; undefined for a term as any other. */
export function meantBy({ target, ...node }: TermNode): string | undefined {
  if (node.kind !== 'match') return undefined
  const alternatives = alternativesIn(node.value)
  if (alternatives.length > 1) {
    const terms = alternatives.map((value) => printSearch({ kind: 'match', target, value }))
    return `(${terms.join(' OR ')})`
  }
  if (node.value.kind !== 'text') return undefined
  const { text, quoted } = node.value
  if (target.kind === 'message') return !quoted && WORDS.includes(text.toLowerCase()) ? text.toUpperCase() : undefined
  if (target.kind === 'everything' || target.kind === 'wholeTag') return undefined
  if (!NETWORK.test(text)) return undefined
  return printSearch({ kind: 'cidr', target, blocks: [text] })
}

/** The words of a value such as `error|fatal`, which has no meaning in a search. */
function alternativesIn(value: Value): Value[] {
  if (value.kind === 'text') {
    if (value.quoted) return []
    const words = value.text.split('|')
    return words.includes('') ? [] : words.map((text) => ({ kind: 'text', text, quoted: false }))
  }
  if (value.kind !== 'pattern') return []
  const patterns: PatternPart[][] = [[]]
  for (const part of value.parts) {
    if ('wildcard' in part) patterns.at(-1)?.push(part)
    else {
      for (const [i, text] of part.text.split('|').entries()) {
        if (i > 0) patterns.push([])
        if (text !== '') patterns.at(-1)?.push({ text })
      }
    }
  }
  return patterns.some((parts) => parts.length === 0) ? [] : patterns.map(valueFrom)
}

const valueFrom = (parts: PatternPart[]): Value => {
  const [only] = parts
  return only && parts.length === 1 && 'text' in only
    ? { kind: 'text', text: only.text, quoted: false }
    : { kind: 'pattern', parts }
}
