import { type Case, type Evaluated, isEnd, judge, outcomeOf } from '../cases/index.ts'
import { compileReader, compileReaders } from '../evaluate/reading.ts'
import { isRecord } from '../json.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { SiemRule } from '../siem/rule.ts'
import { equivalentOf } from './equivalent.ts'
import { type Attributes, jsonOf, mutantsOf, type Slip } from './mutants.ts'
import { ruleJsonOf, ruleMutantsOf } from './rule-mutants.ts'

/** What the cases say of one mutant. */
export interface MutantVerdict {
  /** The slug of the monitor, or of the rule. */
  readonly monitor: string
  readonly mutant: Slip
  /** The first case that the mutant fails. */
  readonly killer: string | undefined
  /** Why no log can tell it from the monitor; undefined if a case does. */
  readonly equivalent: string | undefined
}

/** By the slug of a monitor and the name of a mutant: the reason why it is equivalent. */
export type Equivalents = ReadonlyMap<string, ReadonlyMap<string, string>>

/** The most attributes of the logs that are tried in place of those that a monitor names. */
const MOST_ATTRIBUTES = 12

/** A monitor or a rule, and the cases that name it. */
export interface Tested {
  readonly slug: string
  readonly of: Monitor | SiemRule
  readonly cases: readonly Case[]
}

const isRule = (of: Tested['of']): of is SiemRule => 'queries' in of

/** Finds the monitors and rules of cases. One that several cases name is one. */
export function testedBy(cases: readonly Case[]): Tested[] {
  const found = new Map<string, { slug: string; of: Tested['of']; cases: Case[] }>()
  for (const each of cases) {
    for (const of of [...each.monitors, ...each.rules]) {
      const key = JSON.stringify([of.slug, isRule(of) ? ruleJsonOf(of) : jsonOf(of)])
      const known = found.get(key)
      if (known) known.cases.push(each)
      else found.set(key, { slug: of.slug, of, cases: [each] })
    }
  }
  return [...found.values()]
}

/** Runs the cases of a monitor or a rule, all of which hold, on each of its mutants. */
export function* mutate({ slug, of, cases }: Tested, equivalents: Equivalents): Generator<MutantVerdict> {
  const listed = equivalents.get(slug)
  const shortFirst = cases.toSorted((a, b) => a.logs.length - b.logs.length)
  const alone = shortFirst.map((each) => aloneWith(each, of))
  for (const { slip, evaluated } of mutantsIn(of, attributesOf(of, cases))) {
    const killer = alone.find((each) => !judge(each, outcomeOf(each, evaluated)).holds)
    const known = isRule(of) ? undefined : equivalentOf(of, slip.name)
    const equivalent = killer ? undefined : (listed?.get(slip.name) ?? known)
    yield { monitor: slug, mutant: slip, killer: killer?.name, equivalent }
  }
}

const only = (of: Tested['of']): Evaluated =>
  isRule(of) ? { monitors: [], rules: [of] } : { monitors: [of], rules: [] }

function mutantsIn(of: Tested['of'], attributes: Attributes): { slip: Slip; evaluated: Evaluated }[] {
  return isRule(of)
    ? ruleMutantsOf(of, attributes).map((slip) => ({ slip, evaluated: only(slip.rule) }))
    : mutantsOf(of, attributes).map((slip) => ({ slip, evaluated: only(slip.monitor) }))
}

/** The case with this monitor or rule only, and what is expected of it. */
function aloneWith(given: Case, of: Tested['of']): Case {
  const expected = given.expected?.filter((each) => each.monitor === of.slug) ?? []
  // If a recovery of any monitor is expected, those of this one are compared as well.
  const recoveries = given.recoveries || (given.expected ?? []).some(isEnd)
  const { late } = outcomeOf(given, only(of))
  return { ...given, ...only(of), expected, recoveries, late }
}

/** Attributes of the logs that are counted, in the order in which they first occur. */
function attributesOf(of: Tested['of'], cases: readonly Case[]): Attributes {
  const named = new Set<string>()
  const readers = isRule(of) ? of.queries.map((query) => compileReader(query)) : compileReaders(of.parsed)
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
