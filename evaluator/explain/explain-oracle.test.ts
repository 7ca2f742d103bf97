import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Transition } from '../evaluate/notices.ts'
import type { IndexedLog } from '../log.ts'
import { Replayer } from '../replay/replay.ts'
import type { ReplayOptions } from '../replay/replay-options.ts'
import { BEGIN, type RandomMonitor, randomLogs, randomMonitor } from '../testing/random-monitors.ts'
import { holds } from '../testing/thresholds.ts'
import { chartLines } from './chart.ts'
import type { ExplainOptions } from './evaluations.ts'
import { explainFrom } from './explain.ts'
import type { Explanation, Reason } from './explanation.ts'
import type { Question } from './question.ts'
import { sourceOfLogs } from './source.ts'

const MINUTE_MS = 60_000
const CHART_COLUMNS = 80

async function explained(
  { monitor }: RandomMonitor,
  logs: readonly IndexedLog[],
  question: Question,
  options: ExplainOptions = {},
): Promise<Explanation> {
  return (await explainFrom(sourceOfLogs(logs), monitor, question, options)).explanation
}

function transitionsOf({ monitor }: RandomMonitor, logs: readonly IndexedLog[], options: ReplayOptions): Transition[] {
  const found: Transition[] = []
  const replayer = new Replayer([monitor], options, (transition) => found.push(transition))
  for (const log of logs) replayer.push(log, log.timestamp)
  replayer.finish()
  return found
}

const keysOf = ({ grouped }: RandomMonitor) => (grouped ? ['a', 'b', 'c'] : [''])
const questionOf = ({ grouped }: RandomMonitor, key: string): Question => (grouped ? { group: { '@ip': key } } : {})

const ipsOf = ({ attributes: { ip } }: IndexedLog): unknown[] => (ip === undefined ? [] : [ip].flat())
const isIn = ({ grouped }: RandomMonitor, log: IndexedLog, key: string) => !grouped || ipsOf(log).includes(key)

/** Whether a log counts in a group, by the definition of the random monitors. */
function counts(asked: RandomMonitor, log: IndexedLog, key: string): boolean {
  const { outcome, n } = log.attributes
  if (!isIn(asked, log, key)) return false
  if (asked.kind === 'formula') return outcome === 'fail' || outcome === 'pass'
  if (outcome !== 'fail') return false
  if (asked.kind === 'count') return true
  return asked.kind === 'cardinality' ? n !== undefined : typeof n === 'number'
}

/** The queries of the formulas: each keeps two groups. */
const MOST_GROUPS = 2
const OUTCOMES = ['fail', 'pass']

/** The groups for which a query has the most logs, and among equals the first by name. */
function keptBy(asked: RandomMonitor, logs: readonly IndexedLog[], outcome: string): string[] {
  const countOf = (key: string) =>
    logs.filter((log) => log.attributes.outcome === outcome && isIn(asked, log, key)).length
  return keysOf(asked)
    .filter((key) => countOf(key) > 0)
    .sort((a, b) => countOf(b) - countOf(a) || (a < b ? -1 : 1))
    .slice(0, MOST_GROUPS)
}

/** The value of some logs of a group; undefined for none. */
function measured(asked: RandomMonitor, logs: readonly IndexedLog[], key: string, limited = true): number | undefined {
  const own = logs.filter((log) => counts(asked, log, key))
  const numbers = own.map(({ attributes: { n } }) => n as number)
  if (asked.kind === 'formula') {
    const [fail = 0, pass = 0] = OUTCOMES.map((word) => {
      if (limited && !keptBy(asked, logs, word).includes(key)) return 0
      return own.filter(({ attributes: { outcome } }) => outcome === word).length
    })
    return formula(asked, fail, pass)
  }
  if (own.length === 0) return undefined
  switch (asked.kind) {
    case 'count':
      return own.length
    case 'cardinality':
      return new Set(numbers.map(String)).size
    case 'avg':
      return numbers.reduce((sum, n) => sum + n, 0) / numbers.length
    default:
      return Math[asked.kind](...numbers)
  }
}

function formula({ monitor, grouped }: RandomMonitor, fail: number, pass: number): number | undefined {
  if (grouped && fail + pass === 0) return undefined
  if (monitor.query.includes('fail / pass')) return fail > 0 && pass > 0 ? fail / pass : undefined
  if (monitor.query.includes('2 * fail')) return fail > 0 ? 2 * fail + pass : undefined
  return fail - pass
}

/** For how many of the queries of a formula a group is kept, or has no log. */
const keptCount = (asked: RandomMonitor, logs: readonly IndexedLog[], key: string): number =>
  OUTCOMES.filter((outcome) => {
    const own = logs.filter((log) => log.attributes.outcome === outcome && isIn(asked, log, key))
    return own.length === 0 || keptBy(asked, logs, outcome).includes(key)
  }).length

/** What a plain reading of the documentation says of one group. */
class Reference {
  readonly asked: RandomMonitor
  readonly logs: readonly IndexedLog[]
  readonly key: string
  readonly own: readonly IndexedLog[]

  constructor(asked: RandomMonitor, logs: readonly IndexedLog[], key: string) {
    this.asked = asked
    this.logs = logs
    this.key = key
    this.own = logs.filter((log) => counts(asked, log, key))
  }

  window(at: number): IndexedLog[] {
    const end = at - this.asked.evaluationDelayMs
    return this.logs.filter(({ timestamp }) => timestamp >= end - this.asked.windowMs && timestamp < end)
  }

  counted(at: number): IndexedLog[] {
    return this.window(at).filter((log) => counts(this.asked, log, this.key))
  }

  value(at: number, limited = true): number | undefined {
    return measured(this.asked, this.window(at), this.key, limited)
  }

  liveValue(at: number): number | undefined {
    const { windowMs } = this.asked
    const seen = this.logs.filter(({ timestamp }) => timestamp > at - windowMs && timestamp <= at)
    return measured(this.asked, seen, this.key, false)
  }

  isBeyond(value: number | undefined): boolean {
    return value !== undefined && holds(value, this.asked.operator, this.asked.critical)
  }

  /** The first evaluation that counts the newest log: later ones only see logs leave. */
  get lastCounting(): number {
    const newest = Math.max(...this.logs.map(({ timestamp }) => timestamp))
    return (Math.floor((newest + this.asked.evaluationDelayMs) / MINUTE_MS) + 1) * MINUTE_MS
  }

  /** Every evaluation from the first log until all have left, at most up to the end of the log. */
  ticks(isEndKnown: boolean): number[] {
    const { windowMs, evaluationDelayMs } = this.asked
    const newest = Math.max(...this.logs.map(({ timestamp }) => timestamp))
    const last = isEndKnown ? newest + windowMs + evaluationDelayMs + MINUTE_MS : this.lastCounting
    const ticks: number[] = []
    for (let at = BEGIN; at <= last; at += MINUTE_MS) ticks.push(at)
    return ticks
  }
}

/** Fails unless a reason is true. @param isAsked the evaluations that the question is about, all by default */
function check(reason: Reason, reference: Reference, isEndKnown: boolean, isAsked = (_: number) => true): void {
  const { asked, own } = reference
  const ticks = reference.ticks(isEndKnown).filter(isAsked)
  const shortfall = (value: number) =>
    asked.operator.startsWith('>') ? asked.critical - value : value - asked.critical
  const at = 'at' in reason ? Date.parse(reason.at) : Number.NaN
  const isWithin = reference.isBeyond.bind(reference)
  switch (reason.kind) {
    case 'nothing-counted':
      expect(own).toEqual([])
      return
    case 'new-group-delay': {
      const first = Math.min(...own.map(({ timestamp }) => timestamp))
      const until = Math.ceil((first + asked.newGroupDelayMs) / MINUTE_MS) * MINUTE_MS
      expect(Date.parse(reason.until)).toBe(until)
      expect(at).toBeLessThan(until)
      expect(reason.value).toBeCloseTo(reference.value(at) ?? Number.NaN)
      expect(isWithin(reason.value)).toBe(true)
      if (isAsked(until)) expect(isWithin(reference.value(until))).toBe(false)
      return
    }
    case 'first-window': {
      const first = Math.min(...own.map(({ timestamp }) => timestamp))
      const until = Math.ceil((first + asked.windowMs + asked.evaluationDelayMs) / MINUTE_MS) * MINUTE_MS
      expect(asked.grouped).toBe(false)
      expect(Date.parse(reason.until)).toBe(until)
      expect(reference.ticks(true).some((tick) => tick < until && isWithin(reference.value(tick)))).toBe(true)
      return
    }
    case 'group-limit':
      expect(keptCount(asked, reference.window(at), reference.key)).toBeLessThan(OUTCOMES.length)
      expect(reason.value).toBeCloseTo(reference.value(at, false) ?? Number.NaN)
      expect(isWithin(reason.value)).toBe(true)
      expect(isWithin(reference.value(at))).toBe(false)
      return
    case 'between-evaluations': {
      // At each event, limits choose the groups of a formula once a minute only.
      const isLimited = asked.kind === 'formula' && asked.grouped
      if (!isLimited) expect(reason.value).toBeCloseTo(reference.liveValue(at) ?? Number.NaN)
      expect(isWithin(reason.value)).toBe(true)
      if (reason.evaluated) {
        expect(reason.evaluated.value).toBeCloseTo(reference.value(Date.parse(reason.evaluated.at)) ?? Number.NaN)
      }
      expect(ticks.filter((tick) => isWithin(reference.value(tick)))).toEqual([])
      return
    }
    case 'missing-data':
      expect(reference.counted(at)).toEqual([])
      expect(isWithin(0)).toBe(true)
      expect(reason.setting).toBe(asked.monitor.options.on_missing_data)
      return
    case 'recording-end':
      expect(isEndKnown).toBe(false)
      expect(at).toBeGreaterThan(reference.lastCounting)
      return
    case 'no-value':
      expect(reference.counted(at).length).toBeGreaterThan(0)
      expect(ticks.filter((tick) => reference.value(tick) !== undefined)).toEqual([])
      return
    case 'warned':
      expect(reason.value ?? 0).toBeCloseTo(reference.value(at) ?? 0)
      expect(asked.monitor.options.thresholds?.warning).toBeDefined()
      return
    case 'not-reached': {
      const values = ticks.flatMap((tick) => reference.value(tick) ?? [])
      expect(reason.value).toBeCloseTo(reference.value(at) ?? Number.NaN)
      expect(isWithin(reason.value)).toBe(false)
      expect(Math.min(...values.map(shortfall))).toBeGreaterThanOrEqual(shortfall(reason.value) - 1e-9)
      return
    }
    default:
      throw new Error(`${reason.kind} is no reason for a group`)
  }
}

/** Fails unless a reason is true of the last evaluation before an instant. */
function checkAt(reason: Reason, reference: Reference, at: number): void {
  const tick = Math.floor(at / MINUTE_MS) * MINUTE_MS
  const { asked, own } = reference
  switch (reason.kind) {
    case 'not-begun':
      expect(own.filter(({ timestamp }) => timestamp < tick - asked.evaluationDelayMs)).toEqual([])
      return
    case 'empty-window':
      expect(reference.counted(tick)).toEqual([])
      return
    case 'not-evaluated-yet': {
      const next = Date.parse(reason.next)
      expect(next).toBeGreaterThan(at)
      expect(own.some(({ timestamp }) => timestamp <= at && next - asked.evaluationDelayMs > timestamp)).toBe(true)
      if (asked.kind !== 'formula') expect(reason.value ?? undefined).toEqual(reference.liveValue(at))
      return
    }
    default:
      check(reason, reference, false, (each) => each === tick)
  }
}

const options = fc.record({ live: fc.boolean(), silenceAfterEnd: fc.boolean() })

test('a group fired exactly where the evaluation triggers', async () => {
  await fc.assert(
    fc.asyncProperty(randomMonitor, randomLogs, options, async (asked, logs, how) => {
      const triggered = transitionsOf(asked, logs, how).filter(({ transition }) => transition === 'Triggered')
      const all = new Set<number>()
      for (const key of keysOf(asked)) {
        const { verdict, group } = await explained(asked, logs, questionOf(asked, key), how)
        const notified = (group?.triggers ?? []).filter((each) => each.notified).map(({ at }) => Date.parse(at))
        const own = triggered.filter((each) => !('@ip' in each.group) || each.group['@ip'] === key)
        if (asked.monitor.options.notify_by === undefined) expect(notified).toEqual(own.map(({ at }) => at))
        for (const at of notified) all.add(at)
        expect(verdict.fired).toBe((group?.triggers.length ?? 0) > 0)
        const [first] = group?.triggers ?? []
        if (first) expect(verdict).toEqual({ fired: true, kind: 'triggered', at: first.at, value: first.value })
      }
      expect([...all].sort()).toEqual([...new Set(triggered.map(({ at }) => at))].sort())
    }),
    { numRuns: 300 },
  )
})

test('each reason why a group did not fire is true', async () => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(randomMonitor, randomLogs, fc.boolean(), async (asked, logs, silenceAfterEnd) => {
      for (const key of keysOf(asked)) {
        const { verdict } = await explained(asked, logs, questionOf(asked, key), { silenceAfterEnd })
        if (verdict.fired) continue
        seen.set(verdict.kind, (seen.get(verdict.kind) ?? 0) + 1)
        check(verdict, new Reference(asked, logs, key), silenceAfterEnd)
      }
    }),
    { numRuns: 500 },
  )
  const frequent = ['between-evaluations', 'first-window', 'missing-data', 'new-group-delay', 'no-value', 'not-reached']
  expect([...seen.keys()]).toEqual(expect.arrayContaining([...frequent, 'nothing-counted', 'recording-end', 'warned']))
})

/** From when until when each group alerts: [from, until). */
function alertsOf(asked: RandomMonitor, logs: readonly IndexedLog[], key: string): [number, number][] {
  const alerts: [number, number][] = []
  for (const { transition, at, group } of transitionsOf(asked, logs, {})) {
    if (asked.grouped && group['@ip'] !== key) continue
    const open = alerts.findLast(([, until]) => until === Number.POSITIVE_INFINITY)
    if (transition === 'Triggered') alerts.push([at, Number.POSITIVE_INFINITY])
    else if (open && !transition.startsWith('Re-')) open[1] = at
  }
  return alerts
}

/** Those whose every change of state is notified. */
const telling = randomMonitor.filter(
  ({ monitor: { options } }) => options.notify_by === undefined && options.on_missing_data !== 'show_no_data',
)

test('an event is told from the alerts whose evaluations count it, and else with the first reason why it does not count', async () => {
  await fc.assert(
    fc.asyncProperty(telling, randomLogs, fc.nat(), async (asked, logs, choice) => {
      const line = (choice % logs.length) + 1
      const log = logs[line - 1] as IndexedLog
      const { verdict, event, group } = await explained(asked, logs, { event: { line } })
      const keys = keysOf(asked).filter((key) => counts(asked, log, key))
      expect(event?.queries.some(({ counted }) => counted)).toBe(keys.length > 0)
      if (keys.length === 0) {
        const { outcome } = log.attributes
        const isMatched = outcome === 'fail' || (asked.kind === 'formula' && outcome === 'pass')
        expect(verdict).toMatchObject({ fired: false, kind: isMatched ? 'no-facet' : 'not-matched' })
        return
      }
      const from = log.timestamp + asked.evaluationDelayMs
      const until = from + asked.windowMs
      const isEvaluated = (at: number) => at > from && at <= until && at % MINUTE_MS === 0
      const isAlerting = keys.some((key) =>
        alertsOf(asked, logs, key).some(([begin, end]) => {
          for (let at = Math.ceil((from + 1) / MINUTE_MS) * MINUTE_MS; isEvaluated(at); at += MINUTE_MS) {
            if (at >= begin && at < end) return true
          }
          return false
        }),
      )
      expect(verdict.fired).toBe(isAlerting)
      if (!verdict.fired) check(verdict, new Reference(asked, logs, group?.group['@ip'] ?? ''), false, isEvaluated)
    }),
    { numRuns: 400 },
  )
})

test('at an instant a group alerts exactly from its trigger until its recovery', async () => {
  await fc.assert(
    fc.asyncProperty(telling, randomLogs, fc.integer({ min: 0, max: 1500 }), async (asked, logs, second) => {
      const at = BEGIN + second * 1000
      for (const key of keysOf(asked)) {
        const { verdict } = await explained(asked, logs, { ...questionOf(asked, key), at })
        expect(verdict.fired).toBe(alertsOf(asked, logs, key).some(([from, until]) => at >= from && at < until))
        if (!verdict.fired) checkAt(verdict, new Reference(asked, logs, key), at)
      }
    }),
    { numRuns: 300 },
  )
})

test('a chart has at most 80 columns, and is beyond its line exactly if a value is', async () => {
  const rising = randomMonitor.filter(({ operator }) => operator.startsWith('>'))
  await fc.assert(
    fc.asyncProperty(rising, randomLogs, async (asked, logs) => {
      const { monitor, group } = await explained(asked, logs, {})
      if (!group) return
      const lines = chartLines(monitor, group, { clock: (at) => at, width: CHART_COLUMNS })
      for (const line of lines.filter((each) => /[┤┼]/.test(each)))
        expect(line.length).toBeLessThanOrEqual(CHART_COLUMNS)
      const limit = lines.findIndex((line) => line.trimStart().startsWith(monitor.operator))
      const above = lines.slice(0, monitor.operator === '>' ? limit : limit + 1).filter((line) => line.includes('┤'))
      const shown = [...group.evaluations, ...group.values].filter(({ at }) => at < group.to)
      const isBeyond = shown.some(({ value }) => value !== null && holds(value, asked.operator, asked.critical))
      expect(above.some((line) => /[█▒░]/.test(line))).toBe(isBeyond)
    }),
    { numRuns: 300 },
  )
})
