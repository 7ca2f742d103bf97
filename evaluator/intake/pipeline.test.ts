import { describe, expect, test } from 'vitest'
import type { IndexedLog } from '../log.ts'
import { readPipeline } from './pipeline.ts'

const receivedAt = Date.UTC(2026, 10, 22, 12)

describe('a pipeline file', () => {
  const read = (change: Record<string, unknown>) =>
    readPipeline(
      JSON.stringify({ name: 'P', is_enabled: true, filter: { query: '*' }, processors: [], ...change }),
      'p.json',
    )
  const remap = (change: Record<string, unknown> = {}) => ({
    type: 'attribute-remapper',
    is_enabled: true,
    sources: ['a'],
    source_type: 'attribute',
    target: 'b.c',
    target_type: 'attribute',
    preserve_source: true,
    override_on_conflict: false,
    ...change,
  })
  const processed = (processors: unknown[], attributes: Record<string, unknown>) => {
    const log: IndexedLog = { id: '1', timestamp: 0, attributes }
    read({ processors }).process(log, receivedAt)
    return log
  }

  test.each([
    [
      { processors: [{ type: 'geo-ip-parser' }] },
      'p.json: processors[0]: the processor "geo-ip-parser" is not supported',
    ],
    [
      {
        processors: [
          { type: 'pipeline', name: 'n', filter: { query: '*' }, processors: [{ type: 'lookup-processor' }] },
        ],
      },
      'p.json: processors[0].processors[0]: the processor "lookup-processor" is not supported',
    ],
    [{ filter: { query: 'a:[1' } }, 'p.json: filter.query: '],
    [{ processors: [remap({ target_format: 'integer' })] }, 'p.json: processors[0]: Unrecognized key: "target_format"'],
    [{ processors: [remap({ source_type: 'tag' })] }, 'p.json: processors[0].source_type: '],
    [{ sources: 1 }, 'p.json: Unrecognized key: "sources"'],
  ])('what is not supported is refused by name and place: %j', (change, reason) => {
    expect(() => read(change)).toThrow(reason)
  })

  test.each([
    ['r %{date("x"):d}', 'the matcher %{date("x")} of the rule r'],
    ['r %{data:d:keyvalue}', 'the filter keyvalue of the rule r'],
    ['r (%{data:d}', 'the rule r is not a regular expression'],
    ['r a\nr b', 'two rules are named r'],
    ['', 'there is no rule'],
  ])('a grok rule that cannot be compiled is refused: %j', (match_rules, reason) => {
    const grok = { type: 'grok-parser', source: 'message', grok: { match_rules } }
    expect(() => read({ processors: [grok] })).toThrow(reason)
  })

  test('every fault is reported at once', () => {
    const fault = () => read({ filter: { query: 'a:[1' }, processors: [{ type: 'x' }, remap({ target: '' })] })
    expect(fault).toThrow(/filter\.query.*\n.*processors\[0\].*\n.*processors\[1\]\.target/)
  })

  test('a value at the target or along its path is overwritten only with override_on_conflict', () => {
    expect(processed([remap()], { a: 1, b: { c: 2 } }).attributes).toEqual({ a: 1, b: { c: 2 } })
    expect(processed([remap()], { a: 1, b: 'text' }).attributes).toEqual({ a: 1, b: 'text' })
    const override = remap({ override_on_conflict: true })
    expect(processed([override], { a: 1, b: 'text' }).attributes).toEqual({ a: 1, b: { c: 1 } })
  })

  test('a source that is not preserved is removed, and the first source that is present is used', () => {
    const moved = remap({ preserve_source: false, sources: ['x.y', 'a'] })
    expect(processed([moved], { a: 1, x: { y: 2 } }).attributes).toEqual({ a: 1, x: {}, b: { c: 2 } })
  })

  test('a disabled processor or pipeline does nothing', () => {
    expect(processed([remap({ is_enabled: false })], { a: 1 }).attributes).toEqual({ a: 1 })
    const log: IndexedLog = { id: '1', timestamp: 0, attributes: { a: 1 } }
    read({ is_enabled: false, processors: [remap()] }).process(log, receivedAt)
    expect(log.attributes).toEqual({ a: 1 })
  })

  test('a missing date, or one more than a minute ahead, leaves the date of the log', () => {
    const dated = { type: 'date-remapper', is_enabled: true, sources: ['at'] }
    expect(processed([dated], { at: receivedAt + 60_000 }).timestamp).toBe(receivedAt + 60_000)
    expect(processed([dated], { at: receivedAt + 60_001 }).timestamp).toBe(0)
    expect(processed([dated], { at: 'yesterday' }).timestamp).toBe(0)
  })

  test('JSON in a line does not change the prototype of objects', () => {
    const grok = { type: 'grok-parser', is_enabled: true, source: 'm', grok: { match_rules: 'r %{data::json}' } }
    const { attributes } = processed([grok], { m: '{"__proto__":{"polluted":1},"x":1}' })
    expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype)
    expect(attributes).toMatchObject({ x: 1 })
  })
})
