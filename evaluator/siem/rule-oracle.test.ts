import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replay } from '../api.ts'
import type { IndexedLog } from '../log.ts'
import { Replayer } from '../replay/replay.ts'
import {
  type Asked,
  type AskedCase,
  askedRule,
  eventOf,
  type Happened,
  happenings,
  logsOf,
  ruleOfAsked,
  STATUSES,
} from '../testing/random-rules.ts'

const SECOND_MS = 1_000

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

test('the signals of any rule over any log are those of a plain reference, scanned or read as a whole', async () => {
  await fc.assert(
    fc.asyncProperty(askedRule, happenings, async (rule, happened) => {
      const wanted = reference(rule, happened)
      const sorted = happened.toSorted((x, y) => x.at - y.at)
      const { changes } = await replay([], sorted.map(eventOf), { rules: [ruleOfAsked(rule)] })
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
    fc.property(askedRule, happenings, fc.nat(40), fc.infiniteStream(fc.nat(50_000)), (wanted, happened, cut, late) => {
      const rule = ruleOfAsked(wanted)
      const sorted = logsOf(happened)
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
