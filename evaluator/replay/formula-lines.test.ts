import { expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import type { Transition } from '../evaluate/evaluate.ts'
import type { IndexedLog } from '../log.ts'
import { Replayer } from './replay.ts'
import { replayStream } from './replay-stream.ts'

const BEGIN = Date.UTC(2026, 0, 5, 9)

const variable = (name: string, query: string, compute: object, facets: readonly string[]) => ({
  ...{ name, data_source: 'logs', search: { query }, compute },
  group_by: facets.map((facet) => ({ facet, limit: 3, sort: { aggregation: 'count', order: 'desc' } })),
})

const FORMULAS: readonly (readonly [formula: string, facets: readonly string[], more: object])[] = [
  ['100 * default_zero(a) / b', ['@ip'], { aggregation: 'count' }],
  ['a / b + c', ['@ip', '@user'], { aggregation: 'cardinality', metric: '@user' }],
  ['a - default_zero(c)', [], { aggregation: 'avg', metric: '@n' }],
]

const monitors = FORMULAS.map(([formula, facets, more], i) => {
  const variables = [
    variable('a', '@kind:x', { aggregation: 'count' }, facets),
    variable('b', '', { aggregation: 'count' }, facets),
    // Without groups, so that its value counts in every group.
    variable('c', '-@kind:x', more, []),
  ]
  const query = `formula("${formula}").last("5m") > 2`
  const options = { variables, new_group_delay: 0, on_missing_data: 'show_and_notify_no_data' }
  return readMonitor({ name: `f${i}`, type: 'log alert', query, message: 'm', options })
})

const shown = ({ monitor, transition, group, at, value }: Transition) =>
  `${monitor.slug} ${transition} ${JSON.stringify(group)} ${at} ${value}`

test.each([{}, { live: true }])(
  'formulas find the same in lines that are scanned and in logs that are read, with %o',
  async (options) => {
    const events = Array.from({ length: 2000 }, (_, i) => ({
      timestamp: new Date(BEGIN + i * 1500 + (i % 7) * 900).toISOString(),
      kind: ['x', 'y', 'z'][(i * i) % 3],
      ip: `10.0.0.${(i * 13) % 5}`,
      user: i % 11 === 0 ? ['u', 'v'] : `u${i % 4}`,
      n: (i * 7) % 10,
    }))
    const read: string[] = []
    const replayer = new Replayer(monitors, options, (each) => read.push(shown(each)))
    for (const { timestamp, ...attributes } of events) {
      const log: IndexedLog = { id: '', timestamp: Date.parse(timestamp), attributes }
      replayer.push(log, log.timestamp)
    }
    replayer.finish()
    const scanned: string[] = []
    const visitor = { transition: (each: Transition) => scanned.push(shown(each)), malformed: expect.unreachable }
    async function* bytes() {
      yield Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
    }
    await replayStream(bytes(), monitors, options, visitor)
    expect(scanned).toEqual(read)
    expect(new Set(read.map((line) => line.slice(0, 2)))).toEqual(new Set(['f0', 'f1', 'f2']))
  },
)
