import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../json.ts'
import type { Case, Expected } from './case.ts'
import type { Happening, Outcome } from './happening.ts'

/** What of a change is not as expected. */
export interface FieldDifference {
  /** `at`, `value`, `severity`, `title`, `message`, `recipients`, or `payloads.` and the name of a webhook. */
  readonly field: string
  readonly expected: unknown
  readonly found: unknown
}

/** A change that was expected and its happening, or only one of both. */
export interface Pair {
  /** Its number among the expected; -1 if nobody expected it. */
  readonly index: number
  readonly expected: Expected | undefined
  readonly happening: Happening | undefined
  /** Empty unless both are there. */
  readonly differences: readonly FieldDifference[]
}

/** A case after its evaluation. */
export interface Verdict {
  readonly holds: boolean
  /** In the order of time, those that did not happen last. */
  readonly pairs: readonly Pair[]
  readonly late: number
}

/** Compares what happened with what a case expects. */
export function judge(given: Case, { happenings, late }: Outcome): Verdict {
  const expected = given.expected ?? []
  const compared = happenings.filter(({ transition }) => !isEnd(transition) || asksRecoveries(given))
  const partners = pairUp(expected, compared)
  const pairs = compared.map((happening): Pair => {
    const index = partners.get(happening) ?? -1
    const wanted = expected[index]
    return { index, expected: wanted, happening, differences: wanted ? differencesOf(wanted, happening) : [] }
  })
  const met = new Set(partners.values())
  for (const [index, each] of expected.entries()) {
    if (!met.has(index)) pairs.push({ index, expected: each, happening: undefined, differences: [] })
  }
  const holds =
    given.expected !== undefined &&
    late === given.late &&
    pairs.every((pair) => pair.expected && pair.happening && pair.differences.length === 0)
  return { holds, pairs, late }
}

/** A group that recovers, or a signal that closes. */
export const isEnd = ({ transition }: Pick<Expected, 'transition'>): boolean =>
  transition === 'Recovered' || transition === 'Closed'

const asksRecoveries = ({ expected, recoveries }: Case): boolean =>
  recoveries || expected === undefined || expected.some(isEnd)

/** Of the same monitor, transition and group, those at the same time belong together, then the others in their order. */
function pairUp(expected: readonly Expected[], happenings: readonly Happening[]): Map<Happening, number> {
  const partners = new Map<Happening, number>()
  const taken = new Set<number>()
  const pair = (fits: (wanted: Expected, happening: Happening) => boolean) => {
    for (const happening of happenings) {
      if (partners.has(happening)) continue
      const index = expected.findIndex(
        (each, i) => !taken.has(i) && isSameChange(each, happening) && fits(each, happening),
      )
      if (index < 0) continue
      taken.add(index)
      partners.set(happening, index)
    }
  }
  pair(isInTime)
  pair(() => true)
  return partners
}

const isSameChange = (expected: Expected, { transition }: Happening): boolean =>
  expected.monitor === transition.monitor.slug &&
  expected.transition === transition.transition &&
  isDeepStrictEqual({ ...expected.group }, { ...transition.group })

const isInTime = ({ at, within }: Expected, { transition }: Happening): boolean =>
  at === undefined || (at !== null && Math.abs(at - transition.at) <= within)

function differencesOf(expected: Expected, happening: Happening): FieldDifference[] {
  const differences: FieldDifference[] = []
  const { at, value, severity } = happening.transition
  if (!isInTime(expected, happening)) differences.push({ field: 'at', expected: expected.at, found: at })
  const compare = (field: string, wanted: unknown, found: () => unknown) => {
    if (wanted === undefined) return
    const was = found()
    if (!contains(wanted, was)) differences.push({ field, expected: wanted, found: likeIn(wanted, was) })
  }
  compare('value', expected.value, () => value)
  compare('severity', expected.severity, () => severity)
  compare('title', expected.title, () => happening.sent().title)
  // A text over several lines ends with a line feed in YAML.
  compare('message', expected.message?.trimEnd() ?? expected.message, () => happening.sent().message)
  compare('recipients', expected.recipients, () => [...happening.sent().recipients])
  for (const [name, wanted] of Object.entries(expected.payloads)) {
    compare(`payloads.${name}`, wanted, () => happening.sent().payloads[name])
  }
  return differences
}

/** Whether a value is as expected. Of an object, the keys that are expected are compared. */
function contains(expected: unknown, found: unknown): boolean {
  if (!isRecord(expected)) return isDeepStrictEqual(expected, found)
  return isRecord(found) && Object.entries(expected).every(([key, wanted]) => contains(wanted, found[key]))
}

/** What was found under the keys that are expected; all of it if nothing is expected yet. */
function likeIn(expected: unknown, found: unknown): unknown {
  if (!isRecord(expected) || !isRecord(found)) return found ?? null
  return Object.fromEntries(Object.entries(expected).map(([key, wanted]) => [key, likeIn(wanted, found[key])]))
}
