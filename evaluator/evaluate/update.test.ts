import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logOfEvent } from '../app-event.ts'
import type { IndexedLog } from '../log.ts'
import { type Monitor, readImportable } from '../monitor/monitor.ts'
import { BEGIN, randomLogs, randomMonitor } from '../testing/random-monitors.ts'
import { nextAligned } from './cadence.ts'
import { Evaluator } from './evaluate.ts'
import type { Observer, Pass } from './observer.ts'

const START = Date.UTC(2026, 0, 5, 9, 0, 0)

function failures(more: object = {}, threshold = 10, options: object = {}): Monitor {
  const json = {
    name: 'Failures',
    type: 'log alert',
    query: `logs("@evt:login").index("*").rollup("count").by("@ip").last("5m") > ${threshold}`,
    message: 'first',
    options: { thresholds: { critical: threshold }, new_group_delay: 0, on_missing_data: 'resolve', ...options },
    ...more,
  }
  return readImportable(JSON.stringify(json), 'detections/failures/monitor.json')
}

const login = (afterMs: number, ip = '203.0.113.9'): IndexedLog =>
  logOfEvent({ timestamp: new Date(START + afterMs).toISOString(), evt: 'login', ip })

const logins = (count: number, everyMs: number, ip?: string): IndexedLog[] =>
  Array.from({ length: count }, (_, i) => login(i * everyMs, ip))

const words = (transitions: readonly { transition: string; at: number; value: number }[]) =>
  transitions.map(({ transition, at, value }) => [transition, at - START, value])

function evaluatorAfter(logs: readonly IndexedLog[], monitor = failures(), cadenceSeconds?: number) {
  const evaluator = new Evaluator([monitor], cadenceSeconds === undefined ? { live: true } : { cadenceSeconds })
  const before = logs.flatMap((log) => evaluator.push(log))
  return { evaluator, before }
}

test('a lower threshold triggers at once for the logs that are in the window', () => {
  const logs = logins(5, 1000)
  const { evaluator, before } = evaluatorAfter(logs)
  expect(before).toEqual([])
  const { changes, restarted } = evaluator.update([failures({}, 3)], logs, START + 20_000)
  expect(words(changes)).toEqual([['Triggered', 20_000, 5]])
  expect(restarted).toEqual(['failures'])
  expect(changes[0]?.sample).toHaveLength(5)
  expect(words(evaluator.advance(START + 301_000))).toEqual([['Recovered', 301_000, 3]])
})

test('logs that have left the window do not count after an edit', () => {
  const logs = logins(5, 1000)
  const { evaluator } = evaluatorAfter(logs)
  // Of five logs, those at 0 and 1 s have left.
  expect(evaluator.update([failures({}, 3)], logs, START + 301_000).changes).toEqual([])
})

test('every minute, an edited monitor is evaluated at the next evaluation', () => {
  const logs = logins(5, 1000)
  const { evaluator } = evaluatorAfter(logs, failures(), 60)
  expect(evaluator.update([failures({}, 3)], logs, START + 20_000).changes).toEqual([])
  expect(evaluator.nextDue()).toBe(START + 60_000)
  expect(words(evaluator.advance(START + 60_000))).toEqual([['Triggered', 60_000, 5]])
})

test('an edited monitor drops its alert without a recovery, and triggers in a new cycle if it still exceeds', () => {
  const logs = logins(12, 1000)
  const { evaluator, before } = evaluatorAfter(logs)
  expect(words(before)).toEqual([['Triggered', 10_000, 11]])
  expect(evaluator.update([failures({}, 20)], logs, START + 20_000).changes).toEqual([])
  const { changes } = evaluator.update([failures({}, 10)], logs, START + 21_000)
  expect(words(changes)).toEqual([['Triggered', 21_000, 12]])
  expect(changes[0]?.cycleKey).not.toBe(before[0]?.cycleKey)
})

test('another message keeps the alert, its cycle and its values, and is shown from then on', () => {
  const logs = logins(12, 1000)
  const { evaluator, before } = evaluatorAfter(logs)
  const edited = failures({ message: 'second', tags: ['a:b'] })
  expect(evaluator.update([edited], logs, START + 20_000)).toEqual({ changes: [], restarted: [] })
  const recovered = evaluator.advance(START + 310_000)
  expect(recovered.map(({ transition }) => transition)).toEqual(['Recovered'])
  expect(recovered[0]?.cycleKey).toBe(before[0]?.cycleKey)
  expect(recovered[0]?.monitor).toBe(edited)
})

test('a monitor beside an edited one goes on as if nothing had happened', () => {
  const other = { ...failures(), slug: 'other' }
  const logs = logins(11, 1000)
  const evaluator = new Evaluator([failures(), other], { live: true })
  for (const log of logs.slice(0, 10)) evaluator.push(log)
  expect(evaluator.update([failures({}, 20), other], logs.slice(0, 10), START + 9_500).restarted).toEqual(['failures'])
  const changes = evaluator.push(logs[10] as IndexedLog)
  expect(changes.map(({ monitor, transition }) => [monitor.slug, transition])).toEqual([['other', 'Triggered']])
})

test('a deleted monitor notifies nothing, and one that comes back counts what is there', () => {
  const logs = logins(12, 1000)
  const { evaluator } = evaluatorAfter(logs)
  expect(evaluator.update([], logs, START + 20_000)).toEqual({ changes: [], restarted: ['failures'] })
  expect(evaluator.nextDue()).toBeUndefined()
  expect(evaluator.advance(START + 60_000)).toEqual([])
  expect(words(evaluator.update([failures()], logs, START + 61_000).changes)).toEqual([['Triggered', 61_000, 12]])
})

test('the wait for a new group counts from its first log', () => {
  const logs = logins(12, 1000)
  const { evaluator } = evaluatorAfter(logs)
  const edited = failures({}, 10, { new_group_delay: 60 })
  expect(evaluator.update([edited], logs, START + 20_000).changes).toEqual([])
  expect(words(evaluator.advance(START + 60_000))).toEqual([['Triggered', 60_000, 12]])
})

test.each([false, true])('the order of arrival does not matter (each minute: %s)', (isCadence) => {
  const logs = logins(5, 1000)
  const { evaluator } = evaluatorAfter(logs, failures(), isCadence ? 60 : undefined)
  const { changes } = evaluator.update([failures({}, 3)], logs.toReversed(), START + 20_000)
  const later = evaluator.advance(START + 60_000)
  expect([...changes, ...later].map(({ value }) => value)).toEqual([5])
})

/** What was found of each group, by the time of the evaluation. */
function passesOf(run: (observer: Observer) => void): Pass[] {
  const passes: Pass[] = []
  run({ pass: (_, pass) => passes.push(pass), ended: () => {} })
  return passes
}

function drain(evaluator: Evaluator): void {
  const until = BEGIN + 3_600_000
  for (let due = evaluator.nextDue(); due !== undefined && due <= until; due = evaluator.nextDue())
    evaluator.advance(due)
}

/** The value in effect, and of how many entries; a group without entries is as one that was never seen. */
function inEffect(passes: readonly Pass[], key: string, at: number): unknown {
  const last = passes.findLast((pass) => pass.key === key && pass.at <= at)
  return last && last.entries > 0 ? { value: last.value, entries: last.entries, parts: last.parts } : 'nothing'
}

test('after an edit every value is what it would be had the monitor always been there', () => {
  const mode = fc.constantFrom({ live: true }, { cadenceSeconds: 60 })
  // A formula chooses its groups once a minute, so that the choice depends on when it began.
  const monitors = randomMonitor.filter(({ kind, grouped }) => kind !== 'formula' || !grouped)
  fc.assert(
    fc.property(monitors, randomLogs, mode, fc.nat({ max: 15 * 60 }), ({ monitor }, logs, options, after) => {
      const at = BEGIN + after * 1000
      const [early, late] = [
        logs.filter(({ timestamp }) => timestamp <= at),
        logs.filter(({ timestamp }) => timestamp > at),
      ]
      const always = passesOf((observer) => {
        const evaluator = new Evaluator([monitor], { ...options, observer })
        for (const log of logs) evaluator.push(log)
        drain(evaluator)
      })
      const edited = passesOf((observer) => {
        const evaluator = new Evaluator([], { ...options, observer })
        for (const log of early) evaluator.push(log)
        evaluator.update([monitor], early, at)
        for (const log of late) evaluator.push(log)
        drain(evaluator)
      })
      // Evaluated each minute, an edited monitor is evaluated first at the next one.
      const first = 'live' in options ? at : nextAligned(at, 60)
      const instants = new Set([...always, ...edited].map((pass) => pass.at).filter((instant) => instant >= first))
      for (const instant of [first, ...instants]) {
        for (const key of ['', 'a', 'b', 'c']) {
          expect(inEffect(edited, key, instant)).toEqual(inEffect(always, key, instant))
        }
      }
    }),
    { numRuns: 500 },
  )
})
