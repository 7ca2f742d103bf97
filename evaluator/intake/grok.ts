import { isIP } from 'node:net'
import { parseJson } from '../json.ts'
import { isDeeperThan, isObject } from './preprocess.ts'

/** A rule that cannot be compiled here: says what is not known. */
export class GrokError extends Error {
  override readonly name = 'GrokError'
}

/** @returns what the first matching rule extracts: paths with their values, a path of '' for a whole object; else nothing */
export type Grok = (text: string) => readonly (readonly [path: string, value: unknown])[] | undefined

interface Matcher {
  readonly pattern: string
  /** What is extracted when no filter says otherwise; undefined leaves the text as it is. */
  readonly read?: (text: string) => unknown
}

/** As described in Datadog's documentation, logs/log_configuration/parsing; those that our rules use. */
const MATCHERS: Readonly<Record<string, Matcher>> = {
  data: { pattern: '[\\s\\S]*?' },
  notSpace: { pattern: '\\S+' },
  word: { pattern: '\\b\\w+\\b' },
  integer: { pattern: '[+-]?\\d+', read: Number },
  ip: { pattern: '[0-9A-Fa-f.:]+', read: (text) => (isIP(text) === 0 ? undefined : text) },
}

const MAX_DEPTH = 20

/** Undocumented: what becomes of text that a filter cannot read. Choice: nothing is extracted, and the rule still matches. */
const FILTERS: Readonly<Record<string, (argument: string) => ((text: string) => unknown) | undefined>> = {
  json: (argument) => (argument === '' ? readObject : undefined),
  scale: (argument) => (/^\d+(\.\d+)?$/.test(argument) ? (text) => Number(text) * Number(argument) : undefined),
}

function readObject(text: string): unknown {
  try {
    const value = parseJson(text)
    return isObject(value) && !isDeeperThan(value, MAX_DEPTH) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Compiles the rules of one grok parser, one per line, `name pattern`. The first that matches the whole text wins.
 * @throws GrokError for a matcher or filter that is not known here, a rule without a name, a name given twice
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
      // Documented: a property that is empty is not shown.
      return value === undefined ? [] : [[path, value] as const]
    })
  }
}

/** Documented: a rule matches from the beginning of the text to its end. */
function compileExpression(rule: string, source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`)
  } catch (error) {
    throw new GrokError(`the rule ${rule} is no regular expression: ${(error as Error).message}`)
  }
}

function readToken(rule: string, token: string): { matcher: Matcher; extraction?: Extraction } {
  const [matcherName = '', path, ...filterParts] = token.split(':')
  const matcher = Object.hasOwn(MATCHERS, matcherName) ? MATCHERS[matcherName] : undefined
  if (!matcher) throw new GrokError(`the matcher %{${matcherName}} of the rule ${rule} is not applied here`)
  const filter = filterParts.join(':')
  if (path === undefined || (path === '' && filter === '')) return { matcher }
  if (filter === '') return { matcher, extraction: { path, read: matcher.read ?? ((text) => text) } }
  const [, filterName = filter, argument = ''] = /^(\w+)(?:\((.*)\))?$/.exec(filter) ?? []
  const read = Object.hasOwn(FILTERS, filterName) ? FILTERS[filterName]?.(argument) : undefined
  if (!read) throw new GrokError(`the filter ${filter} of the rule ${rule} is not applied here`)
  return { matcher, extraction: { path, read } }
}
