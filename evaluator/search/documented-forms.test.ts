import { expect, test } from 'vitest'
import type { Log } from '../log.ts'
import { compileSearch, parseSearch } from './search.ts'

const found = (query: string, logs: readonly Log[]) => {
  const matches = compileSearch(query)
  return logs.flatMap((log, i) => (matches(log) ? [i] : []))
}
const logsOf = (...attributes: Record<string, unknown>[]): Log[] => attributes.map((each) => ({ attributes: each }))
const undocumented = (query: string) => parseSearch(query).undocumented.map(({ form }) => form)

test.each<[query: string, found: number[]]>([
  ['ECONNREFUSED', [0, 1]],
  ['exhausted', [0]],
  ['outage', [0]],
  ['"pool exhausted"', [0]],
  ['Payment*', [0]],
  ['connect*', [0, 1]],
  ['econnrefused outage', [0]],
  ['-outage', [1, 2, 3]],
  ['message:ECONNREFUSED', [1]],
  ['decoy', []],
  ['flat', [3]],
])('free text reads the message, @title, @error.message and @error.stack: %s', (query, expected) => {
  const logs: Log[] = [
    {
      message: 'request failed',
      attributes: {
        title: 'Payment outage',
        error: { message: 'connect ECONNREFUSED 198.51.100.4', stack: 'Error: pool exhausted\n at q', kind: 'decoy' },
        body: { title: 'decoy' },
      },
    },
    { message: 'connect ECONNREFUSED', attributes: {} },
    { message: 'tick', attributes: { title: 7, error: 'decoy' }, tags: ['message:decoy'] },
    { message: 'tick', attributes: { 'error.message': 'flat' } },
  ]
  expect(found(query, logs)).toEqual(expected)
})

test.each<[query: string, found: number[]]>([
  ['@duration:>20ms', [1, 2]],
  ['@duration:>"20ms"', [1, 2]],
  ['@duration:>=20ms', [0, 1, 2]],
  ['@duration:<20.5ms', [0]],
  ['@duration:>20000us', [1, 2]],
  ['@duration:>20000µs', [1, 2]],
  ['@duration:[10ms TO 1s]', [0, 1]],
  ['@duration:{20ms TO 30ms}', []],
  ['@duration:["20ms" TO "30ms"]', [0, 1]],
  ['@duration:>1m', [2]],
  ['@duration:>1h', [2]],
  ['@duration:>90minutes', [2]],
  ['@duration:<1second', [0, 1]],
  ['@duration:(>20ms AND <2h)', [1]],
  ['@duration:[30000000 TO 1s]', [1]],
])('a measure is compared in its unit: %s', (query, expected) => {
  expect(found(query, logsOf({ duration: 20e6 }, { duration: '30000000' }, { duration: 2.5 * 3600e9 }))).toEqual(
    expected,
  )
  expect(undocumented(query)).toEqual(query.includes('{') ? ['a range without its ends'] : [])
})

test('sizes, and times of other measures, are read and reported as undocumented', () => {
  expect(found('@size:>1.5KB', logsOf({ size: 1500 }, { size: 1537 }))).toEqual([1])
  expect(undocumented('@size:>1MiB')).toEqual([expect.stringMatching(/unit .* bytes/)])
  expect(undocumented('@http.duration:>1s')).toEqual([expect.stringMatching(/unit .* nanoseconds/)])
  expect(found('@took:20ms', logsOf({ took: '20ms' }, { took: 20e6 }))).toEqual([0])
})

test.each<[query: string, found: number[]]>([
  ['@uid:9007199254740993', [1]],
  ['@uid:"9007199254740993"', [1]],
  ['@uid:>9007199254740992', [1, 2]],
  ['@uid:>=9007199254740993', [1, 2]],
  ['@uid:[9007199254740993 TO 9007199254740993]', [1]],
  ['@uid:{9007199254740992 TO 9007199254740994}', [1]],
  ['@uid:>9.007199254740992e15', [1, 2]],
  ['@uid:<1e300', [0, 1, 2, 3]],
  ['@uid:<0', [3]],
  ['@uid:\\-9007199254740993', [3]],
  ['@uid:900719925474099?', [0, 1, 2]],
])('whole numbers beyond 2^53 stay apart: %s', (query, expected) => {
  const ids = ['9007199254740992', '9007199254740993', '9007199254740994', '-9007199254740993']
  expect(found(query, logsOf(...ids.map((uid) => ({ uid }))))).toEqual(expected)
})

test('text is compared by code, tags and status without case', () => {
  expect(found('@name:[a TO c]', logsOf({ name: 'B' }, { name: 'b' }, { name: 'c' }, { name: 'ca' }))).toEqual([1, 2])
  const tagged = ['alpha', 'Beta', 'gamma'].map((value): Log => ({ attributes: {}, tags: [`team:${value}`] }))
  expect(found('team:[A TO C]', tagged)).toEqual([0, 1])
  expect(undocumented('team:[A TO C]')).toContain('a range over text')
})

test('a blank after a minus and a needless backslash are read and reported as undocumented', () => {
  expect(undocumented('a - b')).toEqual(['a blank behind `-`'])
  expect(undocumented('@a:\\d')).toEqual([expect.stringMatching(/^a backslash before `d`/)])
})
