import { isIP } from 'node:net'
import { otherSpelling } from '../search/search.ts'
import { type Field, FREE_TEXT_PATHS, type SearchNode, type Target, type Value } from '../search/search-ast.ts'
import type { Columns } from './columns.ts'
import { either, text } from './literals.ts'
import { anyOfJson, anyOfTexts, eitherTest, jsonTest, type ValueTest, wholeTest, wordsTest } from './value-tests.ts'

/** A search as a condition, which is true or false for each line. @see compileNode */
export function searchSql(node: SearchNode, columns: Columns): string {
  switch (node.kind) {
    case 'all':
      return 'true'
    case 'and':
      return inTurn(node.nodes.map((each) => searchSql(each, columns)).sort((a, b) => a.length - b.length))
    case 'or':
      return either(node.nodes.map((each) => searchSql(each, columns)))
    case 'not':
      return `NOT ${searchSql(node.node, columns)}`
    case 'group':
      return searchSql(node.node, columns)
    case 'cidr':
      return inField(node.target, blocksTest(node.blocks), columns)
    case 'match':
      return matchSql(node.target, node.value, columns)
  }
}

function matchSql(target: Target, value: Value, columns: Columns): string {
  if (target.kind === 'everything') {
    const test = wordsTest(value)
    const reserved = (['message', 'service', 'host', 'status', 'source'] as const).map((name) => columns.reserved(name))
    return either([...reserved.map((column) => ofText(column, test)), anyOfJson(test, columns.everything())])
  }
  if (target.kind === 'message' || (target.kind === 'reserved' && target.name === 'message')) {
    if (value.kind === 'compare' || value.kind === 'range')
      return inField({ kind: 'reserved', name: 'message' }, wholeTest(value, true), columns)
    const test = wordsTest(value)
    const inMessage = ofText(columns.reserved('message'), test)
    if (target.kind === 'reserved') return inMessage
    const others = FREE_TEXT_PATHS.map((path) => inField({ kind: 'attribute', path }, test, columns))
    return either([inMessage, ...others])
  }
  const isStatus = target.kind === 'reserved' && target.name === 'status'
  const caseless = isStatus || target.kind === 'tag' || target.kind === 'wholeTag'
  const spelling = isStatus && value.kind === 'text' ? otherSpelling(value.text) : undefined
  const values = spelling === undefined || value.kind !== 'text' ? [value] : [value, { ...value, text: spelling }]
  return inField(target, eitherTest(values.map((each) => wholeTest(each, caseless))), columns)
}

/** Whether some value of a field passes a test. */
function inField(field: Field, test: ValueTest, columns: Columns): string {
  switch (field.kind) {
    case 'attribute':
      return ofJson(columns.attribute(field.path), test)
    case 'tag':
      return ofTag(field.key, test, columns)
    case 'wholeTag':
      return anyOfTexts(test, columns.tags())
    case 'reserved': {
      const own =
        field.name === 'trace_id'
          ? TRACE_IDS.map((path) => ofJson(columns.attribute(path), test))
          : [ofText(columns.reserved(field.name), test)]
      return `CASE WHEN ${either(own)} THEN true ELSE ${anyOfTexts(test, tagValues(field.name, columns))} END`
    }
  }
}

/** DuckDB evaluates all conditions of an AND, and of CASE only those that are needed: each condition after the cheaper ones. */
const inTurn = ([first = 'true', ...rest]: readonly string[]): string =>
  rest.length === 0 ? first : `CASE WHEN ${first} THEN ${inTurn(rest)} ELSE false END`

function ofTag(key: string, test: ValueTest, columns: Columns): string {
  const any = anyOfTexts(test, tagValues(key, columns))
  if (test.usual === undefined) return any
  const usual = text(`${key}:${test.usual}`.toLowerCase())
  return `CASE WHEN list_contains(${columns.tags()}, ${usual}) THEN true ELSE ${any} END`
}

const TRACE_IDS = ['trace_id', 'dd.trace_id']

/** The texts of a field, each once, as a facet shows them: a list. */
export function textsOf(field: Field, columns: Columns): string {
  switch (field.kind) {
    case 'attribute':
      return `ap_texts(${columns.attribute(field.path)})`
    case 'tag':
      return `list_distinct(${tagValues(field.key, columns)})`
    case 'wholeTag':
      return `list_distinct(${columns.tags()})`
    case 'reserved': {
      const tags = tagValues(field.name, columns)
      if (field.name !== 'trace_id') {
        const own = columns.reserved(field.name)
        return `list_distinct(CASE WHEN ${own} IS NULL THEN ${tags} ELSE list_concat([${own}], ${tags}) END)`
      }
      const ids = TRACE_IDS.map((path) => `ap_texts(${columns.attribute(path)})`)
      return `list_distinct(list_concat(${ids.join(', ')}, ${tags}))`
    }
  }
}

/** The numbers of a field, repeated ones included: a list of DOUBLE. */
export function numbersOf(field: Field, columns: Columns): string {
  const fromTexts = (texts: string) => `flatten(list_transform(${texts}, lambda x: ap_measured(x)))`
  switch (field.kind) {
    case 'attribute':
      return `ap_numbers(${columns.attribute(field.path)})`
    case 'tag':
      return fromTexts(tagValues(field.key, columns))
    case 'wholeTag':
      return fromTexts(columns.tags())
    case 'reserved': {
      const tags = fromTexts(tagValues(field.name, columns))
      if (field.name !== 'trace_id') {
        const own = columns.reserved(field.name)
        return `list_concat(CASE WHEN ${own} IS NULL THEN []::DOUBLE[] ELSE ap_measured(${own}) END, ${tags})`
      }
      return `list_concat(${TRACE_IDS.map((path) => `ap_numbers(${columns.attribute(path)})`).join(', ')}, ${tags})`
    }
  }
}

const tagValues = (key: string, columns: Columns): string =>
  `ap_tag_values(${columns.tags()}, ${text(`${key}:`.toLowerCase())})`

const ofText = (column: string, test: ValueTest): string => {
  const sql = test.string(column)
  return sql === 'true' ? `${column} IS NOT NULL` : `coalesce(${sql}, false)`
}

function ofJson(column: string, test: ValueTest): string {
  const one = jsonTest(test, column)
  return `CASE WHEN ${column} IS NULL THEN false WHEN ${column} LIKE '[%' THEN ${anyOfJson(test, `ap_leaves(${column})`)} ELSE ${one} END`
}

/** @see compileCidr: an address of IPv4 is also the one that is mapped to IPv6. */
function blocksTest(blocks: readonly string[]): ValueTest {
  return {
    string: (sql) => either(blocks.map((block) => within(sql, block))),
    number: () => 'false',
    boolean: () => 'false',
    object: false,
  }
}

function within(address: string, block: string): string {
  const [base = '', prefix = ''] = block.split('/')
  const bits = (isIP(base) === 4 ? 32 : 128) - Number(prefix)
  if (bits === 128) return `ap_address(${address}) IS NOT NULL`
  const size = `${2n ** BigInt(bits)}::UHUGEINT`
  return `coalesce(ap_address(${address}) // ${size} = ap_address(${text(base)}) // ${size}, false)`
}
