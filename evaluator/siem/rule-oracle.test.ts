import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replay } from '../api.ts'
import type { IndexedLog } from '../log.ts'
import { Replayer } from '../replay/replay.ts'
import type { SiemRule } from './rule.ts'
import { readRuleJson } from './rule-reading.ts'

const SECOND_MS = 1_000
const BEGIN = Date.UTC(2026, 0, 5, 9)
const STATUSES = ['info', 'low', 'medium', 'high', 'critical'] as const

/** A case, whose condition is written down and computed by hand. */
interface AskedCase {
  readonly status: (typeof STATUSES)[number]
  readonly a: number
  readonly b: number
  readonly join: '&&' | '||' | 'THEN' | 'against'
}

interface Asked {
  readonly distinct: boolean
  readonly grouped: boolean
  readonly byService: boolean
  readonly windowSeconds: number
  readonly keepAliveSeconds: number
  readonly maxSeconds: number
  readonly cases: readonly AskedCase[]
}

const textOf = ({ a, b, join }: AskedCase): string =>
  join === 'against' ? `a > 2 * b && a >= ${a}` : `a > ${a} ${join} b >= ${b}`

function ruleOf(asked: Asked): SiemRule {
  const groupByFields = asked.grouped ? ['@user', '@app'] : []
  const json = {
    ...{ name: 'n', message: 'm', isEnabled: true, type: 'log_detection' },
    queries: [
      asked.distinct
        ? { query: '@kind:fail', aggregation: 'cardinality', distinctFields: ['@n'], groupByFields }
        : { query: '@kind:fail', aggregation: 'count', groupByFields },
      { query: '@kind:good', aggregation: 'count', groupByFields },
    ],
    cases: asked.cases.map((each) => ({ name: '', status: each.status, condition: textOf(each) })),
    options: {
      detectionMethod: 'threshold',
      evaluationWindow: asked.windowSeconds,
      keepAlive: asked.keepAliveSeconds,
      maxSignalDuration: asked.maxSeconds,
    },
    groupSignalsBy: asked.grouped && asked.byService ? ['@app'] : [],
  }
  const { rule, faults, refusals } = readRuleJson(json, { slug: 's', file: 'f' }, false)
  if (!rule) throw new Error(JSON.stringify([faults, refusals]))
  return rule
}

interface Happened {
  readonly at: number
  readonly kind: 'fail' | 'good' | 'other'
  readonly n: number
  readonly user: string | undefined
  readonly app: string
}

/** The documented behaviour, written down plainly: every event looks at its whole window again. */
function reference(asked: Asked, events: readonly Happened[]): string[] {
  const found: string[] = []
  const open = new Map<string, { status: number; first: number; last: number }>()
  const groupOf = ({ user, app }: Happened) => (asked.grouped ? JSON.stringify([user, app]) : '[]')
  const signalOf = ({ user, app }: Happened) =>
    JSON.stringify(asked.grouped ? (asked.byService ? { '@app': app } : { '@user': user, '@app': app }) : {})
  const counted = events.filter(({ kind, user }) => kind !== 'other' && (user !== undefined || !asked.grouped))
  const end = (signal: { first: number; last: number }) =>
    Math.min(signal.last + asked.keepAliveSeconds * SECOND_MS, signal.first + asked.maxSeconds * SECOND_MS)
  const closeBefore = (time: number) => {
    for (const [key, signal] of open) {
      if (end(signal) >= time) continue
      open.delete(key)
      found.push(`${end(signal)} Closed ${key} ${STATUSES[signal.status]}`)
    }
  }
  for (const at of [...new Set(counted.map((event) => event.at))].sort((x, y) => x - y)) {
    closeBefore(at)
    const present = counted.filter((event) => event.at === at)
    const groups = new Map(
      present.map((event) => [groupOf(event), event] as const).sort(([x], [y]) => (x < y ? -1 : 1)),
    )
    for (const [group, sample] of groups) {
      const inWindow = counted.filter(
        (event) => groupOf(event) === group && event.at <= at && event.at > at - asked.windowSeconds * SECOND_MS,
      )
      const matched = asked.cases.find((each) => matches(each, inWindow, asked.distinct))
      if (!matched) continue
      const status = STATUSES.indexOf(matched.status)
      const key = signalOf(sample)
      const signal = open.get(key)
      if (!signal) {
        open.set(key, { status, first: at, last: at })
        found.push(`${at} Triggered ${key} ${matched.status}`)
        continue
      }
      signal.last = at
      if (status <= signal.status) continue
      signal.status = status
      found.push(`${at} Raised ${key} ${matched.status}`)
    }
  }
  closeBefore(Number.POSITIVE_INFINITY)
  return found.sort()
}

function matches({ a, b, join }: AskedCase, events: readonly Happened[], distinct: boolean): boolean {
  const fails = (list: readonly Happened[]) => {
    const found = list.filter(({ kind }) => kind === 'fail').map(({ n }) => n)
    return distinct ? new Set(found).size : found.length
  }
  const goods = (list: readonly Happened[]) => list.filter(({ kind }) => kind === 'good').length
  if (join === '&&') return fails(events) > a && goods(events) >= b
  if (join === '||') return fails(events) > a || goods(events) >= b
  if (join === 'against') return fails(events) > 2 * goods(events) && fails(events) >= a
  return events.some(({ at }) => {
    const later = events.filter((event) => event.at > at)
    return fails(events.filter((event) => event.at <= at)) > a && later.length > 0 && goods(later) >= b
  })
}

const aCase: fc.Arbitrary<AskedCase> = fc.record({
  status: fc.constantFrom(...STATUSES),
  a: fc.nat(4),
  b: fc.nat(2),
  join: fc.constantFrom('&&', '||', 'against'),
})

const asked: fc.Arbitrary<Asked> = fc
  .record({
    distinct: fc.boolean(),
    grouped: fc.boolean(),
    byService: fc.boolean(),
    times: fc.constantFrom([60, 60, 300], [60, 300, 600], [300, 300, 300], [300, 900, 3600]),
    cases: fc.oneof(
      fc.array(aCase, { minLength: 1, maxLength: 3 }),
      aCase.map((each): AskedCase[] => [{ ...each, join: 'THEN' }]),
    ),
  })
  .map(({ times: [windowSeconds = 0, keepAliveSeconds = 0, maxSeconds = 0], ...rest }) => ({
    ...rest,
    ...{ windowSeconds, keepAliveSeconds, maxSeconds },
  }))

const events: fc.Arbitrary<Happened[]> = fc.array(
  fc.record({
    at: fc.oneof(
      fc.nat(40).map((n) => BEGIN + n * 30 * SECOND_MS),
      fc.nat(1_200_000).map((ms) => BEGIN + ms),
    ),
    kind: fc.constantFrom('fail' as const, 'fail' as const, 'good' as const, 'other' as const),
    n: fc.nat(3),
    user: fc.constantFrom('ann', 'ben', undefined),
    app: fc.constantFrom('shop', 'bank'),
  }),
  { maxLength: 40 },
)

const eventOf = ({ at, kind, n, user, app }: Happened) => ({
  ...{ timestamp: new Date(at).toISOString(), service: 's', kind, n, app },
  ...(user === undefined ? {} : { user }),
})

test('the signals of any rule over any log are those of a plain reference, scanned or read as a whole', async () => {
  await fc.assert(
    fc.asyncProperty(asked, events, async (rule, happened) => {
      const wanted = reference(rule, happened)
      const sorted = happened.toSorted((x, y) => x.at - y.at)
      const { changes } = await replay([], sorted.map(eventOf), { rules: [ruleOf(rule)] })
      const found = changes.map((change) => {
        const severity = 'severity' in change ? change.severity : ''
        return `${Date.parse(change.at)} ${change.transition} ${JSON.stringify(change.group)} ${severity}`
      })
      expect(found.toSorted()).toEqual(wanted)
    }),
    { numRuns: 300 },
  )
})

test('a replay that is cut anywhere, in any order within the lateness, finds the same signals in the same order', () => {
  fc.assert(
    fc.property(asked, events, fc.nat(40), fc.infiniteStream(fc.nat(50_000)), (wanted, happened, cut, late) => {
      const rule = ruleOf(wanted)
      const logs = happened.map((event, i): IndexedLog => {
        const { timestamp: _, service, ...attributes } = eventOf(event)
        return { id: String(i), timestamp: event.at, service, attributes }
      })
      const sorted = logs.toSorted((x, y) => x.timestamp - y.timestamp)
      const arrival = sorted
        .map((log) => ({ log, at: log.timestamp + (late.next().value ?? 0) }))
        .toSorted((x, y) => x.at - y.at)
        .map(({ log }) => log)
      const run = (parts: readonly IndexedLog[][]): string[] => {
        const found: string[] = []
        let state: string | undefined
        for (const [i, part] of parts.entries()) {
          const replayer = new Replayer(
            [],
            { rules: [rule] },
            () => {},
            ({ rule: _, sample: __, ...change }) => found.push(JSON.stringify(change)),
          )
          if (state !== undefined) replayer.restore(JSON.parse(state))
          for (const log of part) replayer.push(log, log.timestamp)
          if (i < parts.length - 1) state = JSON.stringify(replayer.save())
          else replayer.finish()
        }
        return found
      }
      const whole = run([sorted])
      expect(run([arrival])).toEqual(whole)
      expect(run([arrival.slice(0, cut), arrival.slice(cut)])).toEqual(whole)
    }),
    { numRuns: 200 },
  )
})
