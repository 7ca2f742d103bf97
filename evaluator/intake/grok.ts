import { isIP } from 'node:net'
import { isRecord, parseJson } from '../json.ts'
import { isDeeperThan } from './preprocess.ts'

/** Thrown for a grok rule that cannot be compiled. The message names the unknown part. */
export class GrokError extends Error {
  override readonly name = 'GrokError'
}

/** @returns the paths and values that the first matching rule extracts, with the path '' for a whole object; undefined when no rule matches */
export type Grok = (text: string) => readonly (readonly [path: string, value: unknown])[] | undefined

interface Matcher {
  readonly pattern: string
  /** Reads the value when there is no filter; if undefined, the value is the text. */
  readonly read?: (text: string) => unknown
}

/** The matchers that are supported, as documented in logs/log_configuration/parsing. */
const MATCHERS: Readonly<Record<string, Matcher>> = {
  data: { pattern: '[\\s\\S]*?' },
  notSpace: { pattern: '\\S+' },
  word: { pattern: '\\b\\w+\\b' },
  integer: { pattern: '[+-]?\\d+', read: Number },
  ip: { pattern: '[0-9A-Fa-f.:]+', read: (text) => (isIP(text) === 0 ? undefined : text) },
}

const MAX_DEPTH = 20

/** The filters that are supported. Undocumented: a text that a filter cannot read. Choice: nothing is extracted, and the rule still matches. */
const FILTERS: Readonly<Record<string, (argument: string) => ((text: string) => unknown) | undefined>> = {
  json: (argument) => (argument === '' ? readObject : undefined),
  scale: (argument) => (/^\d+(\.\d+)?$/.test(argument) ? (text) => Number(text) * Number(argument) : undefined),
}

function readObject(text: string): unknown {
  try {
    const value = parseJson(text)
    return isRecord(value) && !isDeeperThan(value, MAX_DEPTH) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Compiles the rules of one grok parser, one `name pattern` per line. The first rule that matches the whole text is used.
 * @throws GrokError for an unknown matcher or filter, a rule without a name, and a repeated name
 */
export function compileGrok(matchRules: string): Grok {
  const names = new Set<string>()
  const rules = matchRules
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name, pattern] = /^([A-Za-z0-9][\w.]*) +(.+)$/.exec(line) ?? []
      if (name === undefined || pattern === undefined)
        throw new GrokError(`the rule ${JSON.stringify(line)} has no name`)
      if (names.has(name)) throw new GrokError(`two rules are named ${name}`)
      names.add(name)
      return compileRule(name, pattern)
    })
  if (rules.length === 0) throw new GrokError('there is no rule')
  return (text) => {
    for (const rule of rules) {
      const extracted = rule(text)
      if (extracted) return extracted
    }
    return undefined
  }
}

interface Extraction {
  readonly path: string
  readonly read: (text: string) => unknown
}

function compileRule(name: string, pattern: string): Grok {
  const extractions: Extraction[] = []
  const source = pattern.replace(/%\{([^{}]*)\}/g, (_, token: string) => {
    const { matcher, extraction } = readToken(name, token)
    if (!extraction) return `(?:${matcher.pattern})`
    extractions.push(extraction)
    return `(?<g${extractions.length - 1}>${matcher.pattern})`
  })
  const expression = compileExpression(name, source)
  return (text) => {
    const match = expression.exec(text)
    if (!match) return undefined
    return extractions.flatMap(({ path, read }, i) => {
      const matched = match.groups?.[`g${i}`]
      const value = matched === undefined || matched === '' ? undefined : read(matched)
      // Documented: an empty property is left out.
      return value === undefined ? [] : [[path, value] as const]
    })
  }
}

/** Documented: a rule matches the whole text. */
function compileExpression(rule: string, source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`)
  } catch (error) {
    throw new GrokError(
      `the rule ${rule} is not a regular expression: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function readToken(rule: string, token: string): { matcher: Matcher; extraction?: Extraction } {
  const [matcherName = '', path, ...filterParts] = token.split(':')
  const matcher = Object.hasOwn(MATCHERS, matcherName) ? MATCHERS[matcherName] : undefined
  if (!matcher) throw new GrokError(`the matcher %{${matcherName}} of the rule ${rule} is not supported`)
  const filter = filterParts.join(':')
  if (path === undefined || (path === '' && filter === '')) return { matcher }
  if (filter === '') return { matcher, extraction: { path, read: matcher.read ?? ((text) => text) } }
  const [, filterName = filter, argument = ''] = /^(\w+)(?:\((.*)\))?$/.exec(filter) ?? []
  const read = Object.hasOwn(FILTERS, filterName) ? FILTERS[filterName]?.(argument) : undefined
  if (!read) throw new GrokError(`the filter ${filter} of the rule ${rule} is not supported`)
  return { matcher, extraction: { path, read } }
}
