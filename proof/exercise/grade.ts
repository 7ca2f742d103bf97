import type { SearchMonitor } from 'alertproof'
import { printQuery } from 'alertproof/mutate'
import { type Detection, type DetectionCase, type Mode, runCase } from '../../detections/harness.ts'
import { claimsOf } from '../claims/claims.ts'
import { mutate, Stale, survived } from '../mutants/mutation.ts'
import type { Scenario } from '../verify/scoreboard.ts'
import { type Fault, POINTS } from './catalogue.ts'

/** What is judged of a repair, and its share of the points. */
const SHARES = { cases: 0.4, verify: 0.4, mutants: 0.1, others: 0.1 } as const
type CheckName = keyof typeof SHARES

/** One check of a repair. */
export interface Check {
  readonly check: CheckName
  readonly ok: boolean
  readonly points: number
  readonly out_of: number
  readonly detail: string
}

export interface Grade {
  readonly solved: boolean
  readonly points: number
  readonly out_of: number
  readonly checks: readonly Check[]
}

/** What verify found of one attack and its twin. */
export interface Verified {
  readonly scenario: Pick<Scenario, 'slug' | 'target' | 'ok'>
  readonly faults: readonly string[]
}

export interface Graded {
  readonly fault: Fault
  /** All detections as they should be. */
  readonly detections: readonly Detection[]
  /** The monitors of the working copy. */
  readonly monitors: readonly SearchMonitor[]
  /** Carries out the attack of the fault's detection and its twin in the lab; asked only once the cases hold. */
  readonly verify: () => Promise<readonly Verified[]>
}

const MODES: readonly Mode[] = ['arrival', 'cadence']

/**
 * Judges a repair by the cases and claims of the detection, by its attack and twin in the running lab, by its mutants, and by the
 * cases of the other detections. Until the cases hold, nothing earns points and no message names the detection.
 */
export async function grade({ fault, detections, monitors, verify }: Graded): Promise<Grade> {
  const { detection } = fault
  const present = new Map(monitors.map((monitor) => [monitor.slug, monitor]))
  const judged = judgeCases(detection, present.get(detection.monitor.slug))
  const others = detections.filter((each) => each !== detection)
  const broken = others.filter((each) => {
    const monitor = present.get(each.monitor.slug)
    return !isUnchanged(each.monitor, monitor) && !judgeCases(each, monitor).holds
  })
  const found: Finding[] = [{ check: 'cases', ok: judged.holds, detail: judged.detail }]
  const repaired = present.get(detection.monitor.slug)
  if (judged.holds && repaired) {
    found.push(judgeVerdicts(await verify()), await judgeMutants({ ...detection, monitor: repaired }))
  } else {
    found.push(waiting('verify'), waiting('mutants'))
  }
  const later = judged.holds ? '' : ', which counts once the cases hold'
  const names = broken.map(({ monitor }) => monitor.slug).join(', ')
  found.push({
    check: 'others',
    ok: broken.length === 0,
    detail: broken.length === 0 ? `${others.length} detections hold${later}` : `broken: ${names}`,
  })
  return graded(fault, found)
}

/** The grade of a working copy that cannot be read. @param fault every fault, with file and place */
export const unreadable = (fault: Fault, reason: string): Grade =>
  graded(fault, [
    { check: 'cases', ok: false, detail: reason },
    ...(['verify', 'mutants', 'others'] as const).map((check) => waiting(check)),
  ])

interface Finding {
  readonly check: CheckName
  readonly ok: boolean
  readonly detail: string
}

const waiting = (check: CheckName): Finding => ({ check, ok: false, detail: 'not judged before the cases hold' })

function graded({ kind }: Fault, found: readonly Finding[]): Grade {
  const earns = found.some(({ check, ok }) => check === 'cases' && ok)
  const checks = found.map(({ check, ok, detail }) => {
    const out_of = Math.round(POINTS[kind] * SHARES[check])
    return { check, ok, points: earns && ok ? out_of : 0, out_of, detail }
  })
  const points = checks.reduce((sum, each) => sum + each.points, 0)
  return { solved: points === POINTS[kind], points, out_of: POINTS[kind], checks }
}

/** @param monitor of the working copy; undefined if it is missing */
function judgeCases(detection: Detection, monitor: SearchMonitor | undefined): { holds: boolean; detail: string } {
  const cases = [...detection.cases, ...claimsOf(detection.monitor, detection.proof)]
  if (!monitor) return { holds: false, detail: `0 of ${cases.length} cases hold` }
  const holding = cases.filter((each) => holdsFor(monitor, each))
  return { holds: holding.length === cases.length, detail: `${holding.length} of ${cases.length} cases hold` }
}

/** Then its cases hold: a test of ours says so of every detection. */
const isUnchanged = (detection: SearchMonitor, monitor: SearchMonitor | undefined): boolean =>
  monitor !== undefined && evaluatedPart(detection) === evaluatedPart(monitor)

const evaluatedPart = ({ parsed, options }: SearchMonitor): string => JSON.stringify([printQuery(parsed), options])

const holdsFor = (monitor: SearchMonitor, each: DetectionCase): boolean =>
  MODES.every((mode) => runCase(monitor, each, mode).faults.length === 0)

function judgeVerdicts(verdicts: readonly Verified[]): Finding {
  const failed = verdicts.filter(({ scenario }) => !scenario.ok)
  const faults = failed.map(({ scenario, faults }) => `${scenario.slug} on ${scenario.target}: ${faults.join('; ')}`)
  const ok = verdicts.length > 0 && failed.length === 0
  const detail = ok
    ? `attack and twin hold on ${verdicts.map(({ scenario }) => scenario.target).join(' and ')}`
    : faults.join('; ')
  return { check: 'verify', ok, detail: detail || 'nothing was verified' }
}

async function judgeMutants(detection: Detection): Promise<Finding> {
  const left: string[] = []
  let count = 0
  try {
    for await (const verdict of mutate(detection)) {
      count++
      if (survived(verdict)) left.push(verdict.mutant)
    }
  } catch (error) {
    // What is called equivalent of the detection may not be made of a repair that is written otherwise.
    if (!(error instanceof Stale)) throw error
  }
  const ok = left.length === 0
  return { check: 'mutants', ok, detail: ok ? `none of ${count} survives` : `survive: ${left.join('; ')}` }
}
