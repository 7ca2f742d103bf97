import { type Case, judge, outcomeOf } from '../cases/index.ts'
import { compileReaders } from '../evaluate/reading.ts'
import { isRecord } from '../json.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { equivalentOf } from './equivalent.ts'
import { type Attributes, jsonOf, type Mutant, mutantsOf } from './mutants.ts'

/** What the cases say of one mutant. */
export interface MutantVerdict {
  readonly monitor: string
  readonly mutant: Mutant
  /** The first case that the mutant fails. */
  readonly killer: string | undefined
  /** Why no log can tell it from the monitor; undefined if a case does. */
  readonly equivalent: string | undefined
}

/** By the slug of a monitor and the name of a mutant: the reason why it is equivalent. */
export type Equivalents = ReadonlyMap<string, ReadonlyMap<string, string>>

/** The most attributes of the logs that are tried in place of those that a monitor names. */
const MOST_ATTRIBUTES = 12

/** A monitor and the cases that name it. */
export interface Tested {
  readonly monitor: Monitor
  readonly cases: readonly Case[]
}

/** Finds the monitors of cases. One that several cases name is one. */
export function testedBy(cases: readonly Case[]): Tested[] {
  const found = new Map<string, { monitor: Monitor; cases: Case[] }>()
  for (const each of cases) {
    for (const monitor of each.monitors) {
      const key = JSON.stringify([monitor.slug, jsonOf(monitor)])
      const known = found.get(key)
      if (known) known.cases.push(each)
      else found.set(key, { monitor, cases: [each] })
    }
  }
  return [...found.values()]
}

/** Runs the cases of a monitor, all of which hold, on each of its mutants. */
export function* mutate({ monitor, cases }: Tested, equivalents: Equivalents): Generator<MutantVerdict> {
  const listed = equivalents.get(monitor.slug)
  const shortFirst = cases.toSorted((a, b) => a.logs.length - b.logs.length)
  const alone = shortFirst.map((each) => aloneWith(each, monitor))
  for (const mutant of mutantsOf(monitor, attributesOf(monitor, cases))) {
    const killer = alone.find((each) => !judge(each, outcomeOf(each, [mutant.monitor])).holds)
    const equivalent = killer ? undefined : (listed?.get(mutant.name) ?? equivalentOf(monitor, mutant.name))
    yield { monitor: monitor.slug, mutant, killer: killer?.name, equivalent }
  }
}

/** The case with this monitor only, and what is expected of it. */
function aloneWith(given: Case, monitor: Monitor): Case {
  const expected = given.expected?.filter((each) => each.monitor === monitor.slug) ?? []
  // If a recovery of any monitor is expected, those of this one are compared as well.
  const recoveries = given.recoveries || (given.expected ?? []).some(({ transition }) => transition === 'Recovered')
  const { late } = outcomeOf(given, [monitor])
  return { ...given, monitors: [monitor], expected, recoveries, late }
}

/** Attributes of the logs that the monitor counts, in the order in which they first occur. */
function attributesOf(monitor: Monitor, cases: readonly Case[]): Attributes {
  const named = new Set<string>()
  const readers = compileReaders(monitor.parsed)
  for (const { logs } of cases) {
    for (const log of logs) {
      if (named.size >= MOST_ATTRIBUTES) break
      for (const read of readers) {
        read(log, () => {
          for (const path of pathsOf(log.attributes)) named.add(path)
        })
      }
    }
  }
  const first = [...named].slice(0, MOST_ATTRIBUTES)
  return { named: first, counted: first }
}

/** The names of intake's own fields say nothing of a log. */
const OF_INTAKE = [
  'timestamp',
  'date',
  '@timestamp',
  'env',
  'service',
  'host',
  'status',
  'message',
  'ddsource',
  'ddtags',
]

function pathsOf(value: object, above = ''): string[] {
  return Object.entries(value).flatMap(([name, each]) => {
    if (above === '' && OF_INTAKE.includes(name)) return []
    return isRecord(each) ? pathsOf(each, `${above}${name}.`) : [`${above}${name}`]
  })
}
