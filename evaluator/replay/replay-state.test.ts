import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Log } from '../log.ts'
import { type Monitor, readImportable } from '../monitor/monitor.ts'
import { MEASURES } from '../monitor/monitor-query.ts'
import { Replayer } from './replay.ts'
import type { ReplayOptions } from './replay-options.ts'
import { type ReplayState, readState, writeState } from './replay-state.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const BEGIN = Date.UTC(2026, 0, 5, 9)

const monitorOf = (slug: string, query: string, options: object = {}): Monitor =>
  readImportable(
    JSON.stringify({ name: 'n', type: 'log alert', message: 'm', query, options }),
    `detections/${slug}/monitor.json`,
  )

interface Arrival {
  readonly log: Log
  readonly at: number
}

/** Replays each part in a new replayer, which continues from the saved state of the part before. */
function replayed(
  monitors: readonly Monitor[],
  options: ReplayOptions,
  parts: readonly (readonly Arrival[])[],
): object {
  const transitions: unknown[] = []
  let saved: string | undefined
  for (const [i, part] of parts.entries()) {
    const replayer = new Replayer(monitors, options, ({ monitor, sample, ...rest }) => {
      transitions.push({ monitor: monitor.slug, ...rest })
    })
    if (saved !== undefined) replayer.restore(JSON.parse(saved))
    for (const { log, at } of part) replayer.push(log, at)
    saved = JSON.stringify(replayer.save())
    if (i < parts.length - 1) continue
    replayer.finish()
    const exceeded = replayer.exceededLimits.map(({ monitor, ...limits }) => ({ slug: monitor.slug, ...limits }))
    return { transitions, dropped: replayer.dropped, exceeded }
  }
  return {}
}

const rollup = fc.constantFrom('"count"', '"cardinality","@d"', ...MEASURES.map((measure) => `"${measure}","@n"`))
const grouping = fc.constantFrom('', '.by("@ip")', '.by("@ip,@d")')
const condition = fc.record({
  operator: fc.constantFrom('>', '>', '>=', '<', '<=', '==', '!='),
  critical: fc.integer({ min: 0, max: 4 }),
})
const minutes = fc.constantFrom(1, 5, 12)
const options = fc.record({
  on_missing_data: fc.constantFrom('default', 'show_no_data', 'show_and_notify_no_data', 'resolve'),
  new_group_delay: fc.constantFrom(0, 0, 60, 150),
  evaluation_delay: fc.constantFrom(0, 0, 90),
  renotify_interval: fc.constantFrom(0, 2, 5),
  renotify_occurrences: fc.constantFrom(1, 3),
  timeout_h: fc.constantFrom(0, 1),
  group_retention_duration: fc.constantFrom('1h', '24h'),
})
const monitor = fc.record({
  rollup,
  grouping,
  condition,
  minutes,
  options,
  together: fc.boolean(),
  warns: fc.boolean(),
})
const monitorsOf = fc.array(monitor, { minLength: 1, maxLength: 3 }).map((drafts) =>
  drafts.map(({ rollup, grouping, condition: { operator, critical }, minutes, options, together, warns }, i) => {
    const risingBy = operator.startsWith('>') ? 1 : operator.startsWith('<') ? -1 : 0
    const warning =
      warns && risingBy !== 0 ? { warning: critical - risingBy, critical_recovery: critical - risingBy } : {}
    return monitorOf(
      `monitor-${i}`,
      `logs("@evt:*").rollup(${rollup})${grouping}.last("${minutes}m") ${operator} ${critical}`,
      {
        ...options,
        // What the API refuses: options of groups where there are none, and of reminders without an interval.
        ...(grouping === '' ? { new_group_delay: 0, group_retention_duration: undefined } : {}),
        ...(options.renotify_interval === 0 ? { renotify_occurrences: undefined } : {}),
        thresholds: { critical, ...warning },
        ...(grouping === '.by("@ip,@d")' && together ? { notify_by: ['@ip'] } : {}),
      },
    )
  }),
)

const arrival = fc
  .record({
    afterMs: fc.integer({ min: 0, max: 240 }).map((step) => step * 5 * SECOND_MS),
    /** Up to 6 seconds more than the lateness. */
    lateMs: fc.integer({ min: 0, max: 66 }).map((seconds) => seconds * SECOND_MS),
    ip: fc.constantFrom('a', 'b', ['a', 'c']),
    d: fc.constantFrom('x', 'y', undefined),
    n: fc.constantFrom(0, 1, 2.5, -3, '0.1', [1, 1]),
    pauseMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 90 * MINUTE_MS),
  })
  .map(({ afterMs, lateMs, pauseMs, ip, d, n }) => ({
    at: BEGIN + afterMs + pauseMs,
    arrives: afterMs + pauseMs + lateMs,
    log: { attributes: { evt: 'login', ip, d, n } },
  }))
const arrivals = fc
  .array(arrival, { maxLength: 60 })
  .map((list) => [...list].sort((one, other) => one.arrives - other.arrives))
const cuts = fc.array(fc.nat(60), { minLength: 1, maxLength: 3 })

describe.each([
  ['at each log', { live: true }],
  ['each minute', {}],
  ['each minute, without the groups beyond the limits', { groupLimits: true }],
  ['at each log, without any lateness', { live: true, latenessSeconds: 0 }],
])('evaluated %s', (_, options: ReplayOptions) => {
  test('a replay in parts gives the same result as a single one, wherever it is cut', () => {
    fc.assert(
      fc.property(monitorsOf, arrivals, cuts, (monitors, list, places) => {
        const edges = [0, ...places.map((place) => Math.min(place, list.length)).sort((a, b) => a - b), list.length]
        const parts = edges.slice(1).map((end, i) => list.slice(edges[i], end))
        expect(replayed(monitors, options, parts)).toEqual(replayed(monitors, options, [list]))
      }),
      { numRuns: 300 },
    )
  })
})

test('more groups than Datadog evaluates are reported the same after a cut', () => {
  const many = monitorOf('many', 'logs("*").rollup("count").by("@ip").last("5m") > 2', { new_group_delay: 0 })
  const logs = Array.from({ length: 4400 }, (_, i) => ({
    at: BEGIN + i * 100,
    log: { attributes: { ip: `address ${i % 1100}` } },
  }))
  const whole = replayed([many], { live: true, groupLimits: true }, [logs])
  expect(whole).toMatchObject({ exceeded: [{ slug: 'many' }] })
  expect(replayed([many], { live: true, groupLimits: true }, [logs.slice(0, 2000), logs.slice(2000)])).toEqual(whole)
})

describe('a state in a file', () => {
  const count = (condition: string, options = {}) =>
    monitorOf('stuffing', `logs("*").rollup("count").by("@ip").last("5m") ${condition}`, options)
  let dir: string
  let file: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'replay-state-'))
    file = join(dir, 'state.json')
    return () => rm(dir, { recursive: true })
  })
  const stateOf = (monitors: readonly Monitor[]): ReplayState => {
    const replayer = new Replayer(monitors, {}, () => {})
    replayer.push({ attributes: { ip: 'a' } }, BEGIN)
    replayer.push({ attributes: { ip: 'a' } }, BEGIN + 2 * MINUTE_MS)
    return replayer.save()
  }

  test('is read as it was written, belongs to its owner only, and leaves no other file', async () => {
    const monitors = [count('> 2')]
    const state = stateOf(monitors)
    await writeFile(file, 'an earlier one', { mode: 0o644 })
    await writeState(file, monitors, {}, state)
    expect(await readState(file, monitors, { latenessSeconds: 60 })).toEqual(JSON.parse(JSON.stringify(state)))
    if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(dir)).toEqual(['state.json'])
  })

  test('that does not exist gives no state and no error', async () => {
    expect(await readState(join(dir, 'none'), [count('> 2')], {})).toBeUndefined()
  })

  test.each([
    ['another query', [count('> 3')], {}, /the query or the options of stuffing changed/],
    ['another option', [count('> 2', { new_group_delay: 0 })], {}, /the query or the options of stuffing changed/],
    [
      'another monitor',
      [monitorOf('spray', 'logs("*").rollup("count").last("5m") > 2')],
      {},
      /spray is new; stuffing is missing/,
    ],
    ['another cadence', [count('> 2')], { cadenceSeconds: 10 }, /it was --cadence 60 and is --cadence 10/],
    ['evaluation at each log', [count('> 2')], { live: true }, /it was --cadence 60 and is --live/],
    ['another lateness', [count('> 2')], { latenessSeconds: 5 }, /--lateness was 60 and is 5/],
    ['group limits', [count('> 2')], { groupLimits: true }, /--group-limits was false and is true/],
  ] satisfies [string, Monitor[], ReplayOptions, RegExp][])(
    'is refused with %s, which the error names',
    async (_, monitors, options, fault) => {
      await writeState(file, [count('> 2')], {}, stateOf([count('> 2')]))
      await expect(readState(file, monitors, options)).rejects.toThrow(fault)
    },
  )

  test('is refused when it is truncated, changed or of another version', async () => {
    const monitors = [count('> 2')]
    await writeState(file, monitors, {}, stateOf(monitors))
    const text = await readFile(file, 'utf8')
    const read = async (changed: string) => {
      await writeFile(file, changed)
      return readState(file, monitors, {})
    }
    await expect(read(text.slice(0, -9))).rejects.toThrow(/is not the state of a replay/)
    await expect(read(text.replace('\\"dropped\\":0', '\\"dropped\\":1'))).rejects.toThrow(
      /is not the state of a replay/,
    )
    await expect(read('{}')).rejects.toThrow(/is not the state of a replay/)
    await expect(read(text.replace('"version":1', '"version":7'))).rejects.toThrow(
      /version 7; this program reads version 1/,
    )
    expect(await read(text)).toMatchObject({ dropped: 0 })
  })

  test('is not written through a link at the path of its temporary file', async () => {
    const precious = join(dir, 'precious')
    await writeFile(precious, 'as it was')
    await symlink(precious, `${file}.${process.pid}.tmp`)
    await expect(writeState(file, [], {}, stateOf([]))).rejects.toThrow(/cannot be written: EEXIST/)
    expect(await readFile(precious, 'utf8')).toBe('as it was')
    await writeState(file, [], {}, stateOf([]))
    await rm(precious)
  })

  test('that cannot be written gives an error and leaves no file', async () => {
    await expect(writeState(join(dir, 'none', 'state'), [], {}, stateOf([]))).rejects.toThrow(/cannot be written/)
  })
})
