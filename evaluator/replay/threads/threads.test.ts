import { expect, test } from 'vitest'
import { readMonitor } from '../../api.ts'
import type { Transition } from '../../evaluate/evaluate.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { ReplayState } from '../replay-state.ts'
import { replayStream } from '../replay-stream.ts'
import { SLOT_BYTES } from './slot.ts'

const BEGIN = Date.UTC(2026, 0, 5, 9)
const OPTIONS = { live: true, latenessSeconds: 30 }

const monitorOf = (name: string, query: string, options: object = {}) =>
  readMonitor({
    ...{ name, type: 'log alert', query, message: 'm' },
    options: { new_group_delay: 0, on_missing_data: 'resolve', ...options },
  })

const variable = (name: string, query: string) => ({
  ...{ name, data_source: 'logs', search: { query }, compute: { aggregation: 'count' } },
  group_by: [{ facet: '@ip', limit: 3, sort: { aggregation: 'count', order: 'desc' } }],
})

/** Counts, values and tuples of groups, which threads scan; a measure and a tag, of which they leave lines to the main thread. */
const MONITORS: readonly Monitor[] = [
  monitorOf('count', 'logs("@evt:login").rollup("count").by("@ip").last("1m") > 4'),
  monitorOf('distinct', 'logs("@evt:(login OR use)").rollup("cardinality", "@user").by("@ip").last("5m") > 3'),
  monitorOf('pairs', 'logs("@evt:use").rollup("cardinality", "@device").by("@user,@ip").last("2m") > 1'),
  monitorOf('whole', 'logs("@evt:use").rollup("count").last("1m") > 30'),
  monitorOf('measure', 'logs("@evt:slow").rollup("avg", "@ms").by("@ip").last("1m") > 50'),
  monitorOf('tag', 'logs("@evt:login").rollup("count").by("env").last("1m") > 10'),
  monitorOf('typing error', 'logs("evt:login").rollup("count").by("@ips").last("1m") > 10'),
  monitorOf('rate', 'formula("100 * default_zero(a) / b").last("1m") > 60', {
    variables: [variable('a', '@evt:login'), variable('b', '@evt:*')],
  }),
]

/** A generator of numbers below a limit, the same for the same seed. */
function numbers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

const SPOILT = [
  '',
  '  ',
  '{',
  '[1]',
  '{"evt":"login"}',
  '{"timestamp":"yesterday"}',
  '\ufeff{"timestamp":"2026-01-05T09:00:01Z"}',
]

function lineAt(below: (limit: number) => number, i: number): string {
  const kind = below(100)
  if (kind < 2) return SPOILT[below(SPOILT.length)] ?? ''
  // Sometimes later than the lateness.
  const at = BEGIN + i * 40 - below(kind < 4 ? 60_000 : 20_000)
  const timestamp = kind < 6 ? at / 1000 : new Date(at).toISOString()
  const event = {
    ...{ timestamp, env: ['prod', 'test'][below(2)], evt: ['login', 'use', 'slow', 'other'][below(4)] },
    ip: kind < 9 ? [`10.0.0.${below(40)}`, '10.0.0.1'] : `10.0.0.${below(40)}`,
    user: kind < 12 ? `"${below(30)}\\` : `user-${below(60)}`,
    ...(kind < 90 && { device: below(i % 3 === 0 ? 1000 : 2) }),
    ms: below(100),
    ...(kind === 12 && { message: 'x'.repeat(3000) }),
  }
  return JSON.stringify(event)
}

const logOf = (seed: number, lines: number): string => {
  const below = numbers(seed)
  return Array.from({ length: lines }, (_, i) => lineAt(below, i)).join('\n')
}

async function* pieces(log: Buffer, seed: number): AsyncGenerator<Buffer> {
  const below = numbers(seed)
  for (let at = 0; at < log.length; ) {
    const end = at + 1 + below(300_000)
    yield log.subarray(at, end)
    at = end
  }
}

/** Everything that a replay says of the parts of a log, each with a number of threads. */
async function told(parts: readonly Buffer[], threads: readonly number[]): Promise<unknown> {
  const said: unknown[] = []
  const visitor = {
    transition: ({ monitor, ...rest }: Transition) => said.push([monitor.slug, rest]),
    malformed: (place: string, reason: string) => said.push([place, reason]),
  }
  let resume: ReplayState | undefined
  for (const [i, part] of parts.entries()) {
    const pause = async (state: ReplayState) => {
      resume = JSON.parse(JSON.stringify(state))
      said.push(resume)
    }
    const source = { threads: threads[i] ?? 1, resume, pause: i < parts.length - 1 ? pause : undefined }
    const { exceeded, ...summary } = await replayStream(pieces(part, 7), MONITORS, OPTIONS, visitor, source)
    said.push({
      ...summary,
      epochs: [...summary.epochs],
      exceeded: exceeded.map(({ monitor, ...by }) => [monitor.slug, by]),
    })
  }
  return said
}

test.each([1, 2, 3])(
  'any number of threads finds the same in the same order: seed %i',
  { timeout: 120_000 },
  async (seed) => {
    const log = Buffer.from(logOf(seed, 12_000))
    const alone = await told([log], [1])
    expect(JSON.stringify(alone)).toContain('"Triggered"')
    expect(await told([log], [2])).toEqual(alone)
    expect(await told([log], [3])).toEqual(alone)
  },
)

test('parts of a log continue from each other with any number of threads', { timeout: 120_000 }, async () => {
  const log = Buffer.from(logOf(4, 12_000))
  const cuts = [0, log.indexOf('\n', log.length / 3) + 1, log.indexOf('\n', log.length / 2) + 1, log.length]
  const parts = cuts.slice(1).map((end, i) => log.subarray(cuts[i], end))
  const alone = await told(parts, [1, 1, 1])
  expect(await told(parts, [2, 1, 3])).toEqual(alone)
  expect(await told(parts, [3, 2, 2])).toEqual(alone)
})

test('lines that are longer than the memory of a thread are read, or refused, in their place', {
  timeout: 120_000,
}, async () => {
  const long = (bytes: number) => {
    return JSON.stringify({ timestamp: BEGIN, evt: 'login', ip: 'long', message: 'x'.repeat(bytes) })
  }
  const lines = [SLOT_BYTES - 100, SLOT_BYTES + 100, 9 * SLOT_BYTES, 5, 3 * SLOT_BYTES].map(long)
  const log = Buffer.from([logOf(5, 500), ...lines, logOf(6, 500), long(2 * SLOT_BYTES)].join('\n'))
  const alone = await told([log], [1])
  expect(JSON.stringify(alone)).toContain('is longer than 8 MiB')
  expect(await told([log], [2])).toEqual(alone)
})

test('more groups than a thread remembers are found again', { timeout: 120_000 }, async () => {
  const below = numbers(8)
  const log = Buffer.from(
    Array.from({ length: 100_000 }, (_, i) => {
      return JSON.stringify({
        timestamp: BEGIN + i,
        evt: 'login',
        ip: i % 50 === 0 ? `hot-${below(40)}` : `ip-${i % 70_000}`,
      })
    }).join('\n'),
  )
  const alone = await told([log], [1])
  expect(JSON.stringify(alone)).toContain('hot-')
  expect(await told([log], [2])).toEqual(alone)
})
