import { BlockList, isIP } from 'node:net'
import type { Log } from '../log.ts'
import { visitField } from './field.ts'
import { type Field, FREE_TEXT_PATHS, type SearchNode, type Target, type Value } from './search-ast.ts'
import { type Matcher, textMatcher, wholeMatcher } from './search-match.ts'
import { parseSearch } from './search-parser.ts'

export { printSearch } from './search-ast.ts'
export { type ParsedSearch, parseSearch, type UndocumentedForm } from './search-parser.ts'
export { SearchSyntaxError } from './search-scanner.ts'

export type LogPredicate = (log: Log) => boolean

/**
 * Turns a Datadog log search into a test on logs.
 * @throws SearchSyntaxError (`position`, `reason`) for anything that is not understood
 * @see https://docs.datadoghq.com/logs/explorer/search_syntax/
 */
export function compileSearch(query: string): LogPredicate {
  return compileNode(parseSearch(query).node)
}

export function compileNode(node: SearchNode): LogPredicate {
  switch (node.kind) {
    case 'all':
      return () => true
    case 'and':
      return every([...node.nodes].sort((a, b) => costOf(a) - costOf(b)).map(compileNode))
    case 'or':
      return some(node.nodes.map(compileNode))
    case 'not': {
      const excluded = compileNode(node.node)
      return (log) => !excluded(log)
    }
    case 'group':
      return compileNode(node.node)
    case 'cidr':
      return compileCidr(node.target, node.blocks)
    case 'match':
      return compileMatch(node.target, node.value)
  }
}

/** Sorts the parts of an `and`: a test of one attribute is cheap, and it is usually the one that excludes the log. */
function costOf(node: SearchNode): number {
  if (node.kind === 'group') return costOf(node.node)
  if (node.kind !== 'match') return 3
  if (node.target.kind === 'attribute') return 0
  return node.target.kind === 'reserved' ? 1 : 2
}

function every(tests: readonly LogPredicate[]): LogPredicate {
  return (log) => {
    for (const test of tests) if (!test(log)) return false
    return true
  }
}

function some(tests: readonly LogPredicate[]): LogPredicate {
  return (log) => {
    for (const test of tests) if (test(log)) return true
    return false
  }
}

/**
 * Decision `status-spellings`: the remapper's documentation says `warning` and `emerg`; exports and what people search for say
 * `warn` and `emergency` too. Each pair is one status, and either word finds it.
 * @see https://docs.datadoghq.com/logs/log_configuration/processors/log_status_remapper/
 */
const OTHER_SPELLINGS = new Map([
  ['warn', 'warning'],
  ['warning', 'warn'],
  ['emerg', 'emergency'],
  ['emergency', 'emerg'],
])

/** @returns the other word for a status that has two */
export const otherSpelling = (status: string): string | undefined => OTHER_SPELLINGS.get(status.toLowerCase())

function compileMatch(target: Target, value: Value): LogPredicate {
  if (target.kind === 'everything') {
    const matcher = textMatcher(value)
    return (log) => anywhere(log, matcher)
  }
  if (target.kind === 'message' || (target.kind === 'reserved' && target.name === 'message')) {
    if (value.kind === 'compare' || value.kind === 'range')
      return byField({ kind: 'reserved', name: 'message' }, wholeMatcher(value, true))
    const matcher = textMatcher(value)
    const inMessage: LogPredicate = (log) => log.message !== undefined && matcher(log.message)
    if (target.kind === 'reserved') return inMessage
    return some([inMessage, ...FREE_TEXT_PATHS.map((path) => byField({ kind: 'attribute', path }, matcher))])
  }
  const isStatus = target.kind === 'reserved' && target.name === 'status'
  const caseless = isStatus || target.kind === 'tag' || target.kind === 'wholeTag'
  const matcher = wholeMatcher(value, caseless)
  if (!isStatus || value.kind !== 'text') return byField(target, matcher)
  const spelling = otherSpelling(value.text)
  if (spelling === undefined) return byField(target, matcher)
  const spelledOtherwise = wholeMatcher({ ...value, text: spelling }, caseless)
  return byField(target, (found) => matcher(found) || spelledOtherwise(found))
}

function byField(field: Field, matcher: Matcher): LogPredicate {
  const visit = visitField(field)
  return (log) => visit(log, matcher)
}

/** Full text: the message, the reserved attributes and every scalar below the attributes; tags are not attributes. */
function anywhere(log: Log, matcher: Matcher): boolean {
  if (
    [log.message, log.service, log.host, log.status, log.source].some((value) => value !== undefined && matcher(value))
  ) {
    return true
  }
  const within = (value: unknown): boolean =>
    typeof value === 'object' && value !== null
      ? Object.values(value).some(within)
      : value !== undefined && matcher(value)
  return within(log.attributes)
}

function compileCidr(field: Field, blocks: readonly string[]): LogPredicate {
  const list = new BlockList()
  for (const block of blocks) {
    const [address = '', prefix] = block.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  return byField(field, (value) => {
    if (typeof value !== 'string') return false
    const family = isIP(value)
    return family !== 0 && list.check(value, family === 4 ? 'ipv4' : 'ipv6')
  })
}
