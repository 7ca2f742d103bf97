import { extname } from 'node:path'
import { Document, isMap, isNode, isSeq, type Node, YAMLMap, YAMLSeq, type Pair as YamlPair } from 'yaml'
import type { Case } from './case.ts'
import type { FieldDifference, Pair, Verdict } from './compare.ts'
import { yamlOf } from './document.ts'
import type { Happening } from './happening.ts'
import { instantText } from './times.ts'

/**
 * Writes what happened into the text of a case. Everything but `expect` stays as it is, and so do the comments and the order
 * of keys of each change that was expected.
 * @returns the new text
 */
export function updatedText(text: string, given: Case, verdict: Verdict): string {
  const asJson = extname(given.file) === '.json'
  // JSON is YAML as well, and this parser tells where a value stands.
  const document = yamlOf(text, given.file)
  const root = document.contents
  if (!isMap(root)) return text
  const old = root.items.find((pair) => keyOf(pair) === 'expect')
  const late = root.items.find((pair) => keyOf(pair) === 'late')
  const items = entriesOf(old?.value, given, verdict, document)
  const list = new YAMLSeq<Node>()
  list.items = items
  if (isSeq(old?.value)) {
    list.comment = old.value.comment ?? null
    list.commentBefore = old.value.commentBefore ?? null
  }
  const edits: Edit[] = []
  if (asJson) {
    edits.push(
      jsonEdit(text, root, old, 'expect', JSON.stringify(plainOf(list), undefined, 2).replaceAll('\n', '\n  ')),
    )
    if (verdict.late !== given.late) edits.push(jsonEdit(text, root, late, 'late', String(verdict.late)))
  } else {
    edits.push(yamlEdit(text, old, 'expect', list))
    if (verdict.late !== given.late) edits.push(yamlEdit(text, late, 'late', verdict.late))
  }
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
  return edits
    .sort((a, b) => b.from - a.from)
    .reduce((done, { from, to, put }) => done.slice(0, from) + put.replaceAll('\n', lineEnd) + done.slice(to), text)
}

interface Edit {
  readonly from: number
  readonly to: number
  readonly put: string
}

const keyOf = ({ key }: YamlPair<unknown, unknown>): string => String(isNode(key) ? key.toJSON() : key)
const rangeOf = (node: unknown): readonly number[] => (isNode(node) && node.range) || [0, 0, 0]

function jsonEdit(
  text: string,
  root: YAMLMap,
  old: YamlPair<unknown, unknown> | undefined,
  key: string,
  put: string,
): Edit {
  if (old) {
    const [from = 0, to = 0] = rangeOf(old.value)
    return { from, to, put }
  }
  const [, end = text.length] = rangeOf(root)
  const close = text.lastIndexOf('}', end)
  const from = text.slice(0, close).trimEnd().length
  return { from, to: close, put: `,\n  ${JSON.stringify(key)}: ${put}\n` }
}

function yamlEdit(text: string, old: YamlPair<unknown, unknown> | undefined, key: string, value: unknown): Edit {
  const written = new Document({ [key]: null })
  written.set(key, value)
  const put = written.toString({ lineWidth: 0 })
  if (!old) return { from: text.length, to: text.length, put: `${text.endsWith('\n') ? '' : '\n'}${put}` }
  const [from = 0] = rangeOf(old.key)
  const ends = [...rangeOf(old.key), ...rangeOf(old.value)]
  const to = Math.max(...ends)
  return { from, to, put: text.slice(0, to).endsWith('\n') ? put : put.trimEnd() }
}

/** The changes that happened, in the order of time, each as it stood in the file with what was different. */
function entriesOf(old: unknown, given: Case, { pairs }: Verdict, document: Document): Node[] {
  const nodes = isSeq(old) ? old.items : []
  return pairs.flatMap((pair) => {
    if (!pair.happening) return []
    const node = nodes[pair.index]
    if (!isMap(node)) return [newEntry(pair.happening, given, document)]
    for (const difference of pair.differences) set(node, difference, pair, given, document)
    return [node]
  })
}

function set(
  node: YAMLMap,
  { field, found }: FieldDifference,
  { happening }: Pair,
  given: Case,
  document: Document,
): void {
  const dot = field.indexOf('.')
  const value = field === 'at' && happening ? timeText(node, happening.transition.at, given) : found
  if (dot >= 0) node.setIn([field.slice(0, dot), field.slice(dot + 1)], document.createNode(value))
  else {
    const next = document.createNode(value)
    const before = node.get(field, true)
    if (before?.comment) next.comment = before.comment
    node.set(field, next)
  }
}

/** A time that was written in ISO 8601 stays so. */
function timeText(node: YAMLMap, at: number, { start }: Case): string {
  const before = node.get('at')
  return instantText(at, typeof before === 'string' && before.includes('T') ? undefined : start)
}

function newEntry({ transition }: Happening, given: Case, document: Document): Node {
  const group = new YAMLMap()
  group.flow = true
  for (const [facet, value] of Object.entries(transition.group)) group.set(facet, document.createNode(value))
  const entry = new YAMLMap()
  if (given.monitors.length + given.rules.length > 1) entry.set('monitor', document.createNode(transition.monitor.slug))
  if (transition.transition !== 'Triggered') entry.set('transition', document.createNode(transition.transition))
  if (group.items.length > 0) entry.set('group', group)
  entry.set('at', document.createNode(instantText(transition.at, given.start)))
  entry.set('value', document.createNode(transition.value))
  if (transition.severity) entry.set('severity', document.createNode(transition.severity))
  return entry
}

/** Whole numbers were read as BigInt, which JSON does not have. */
const plainOf = (list: YAMLSeq): unknown =>
  JSON.parse(
    JSON.stringify(new Document(list).toJS(), (_, value: unknown) =>
      typeof value === 'bigint' ? Number(value) : value,
    ),
  )
