import type { Monitor } from 'alertproof'
import { readImportableRule, type SiemRule } from 'alertproof/siem'
import type { Detection } from '../../detections/harness.ts'
import { ruleFaults } from '../../detections/siem-harness.ts'
import { claimsOf } from '../claims/claims.ts'
import { equivalentOf } from './equivalent.ts'
import { mutantsOf } from './mutants.ts'
import type { Verdict } from './mutation.ts'

/** A rule of Cloud SIEM with one slip. */
interface RuleMutant {
  /** That of the same slip in the monitor. */
  readonly name: string
  readonly rule: SiemRule
  /** Why no event of the app can make their results differ. */
  readonly equivalent: string | undefined
}

/** The slips in the query of a detection's monitor, made in its rule, as far as the API would take it. */
function ruleMutantsOf(rule: SiemRule, detection: Detection): RuleMutant[] {
  const { monitor, proof } = detection
  return mutantsOf(detection).flatMap(({ name, monitor: changed, place }) => {
    if (place !== 'query') return []
    const mutant = ruleLike(rule, changed)
    const equivalent = proof.equivalent?.[name] ?? equivalentOf(monitor, name)
    return mutant ? [{ name, rule: mutant, equivalent }] : []
  })
}

/** Runs the cases and the claims of a detection on each mutant of its rule, which is evaluated at each event. */
export function mutateRule(rule: SiemRule, detection: Detection): Verdict[] {
  const { monitor, proof, cases } = detection
  const claims = [...cases, ...claimsOf(monitor, proof)]
  return ruleMutantsOf(rule, detection).map(({ name, rule: mutant, equivalent }) => {
    const killer = claims.find((claim) => ruleFaults(mutant, claim).length > 0)
    return {
      ...{ detection: `${rule.slug}/siem`, mutant: name },
      killer: killer && { name: killer.name, mode: 'arrival' },
      equivalent: killer ? undefined : equivalent,
    }
  })
}

/** A rule that counts what a monitor does. @returns undefined when no rule can */
function ruleLike(rule: SiemRule, { parsed }: Monitor): SiemRule | undefined {
  if (parsed.form !== 'logs') return undefined
  const { rollup, by, search, operator, threshold, windowMs } = parsed
  const [query, each] = [rule.queries[0], rule.cases[0]]
  if (!query || !each) return undefined
  const window = windowMs / 1000
  const json = {
    ...{ name: rule.name, message: rule.message, type: 'log_detection', isEnabled: true },
    queries: [
      {
        ...{ name: query.alias, query: search, aggregation: rollup.kind, groupByFields: by.map(({ name }) => name) },
        ...(rollup.kind === 'cardinality' ? { distinctFields: [rollup.of.name] } : {}),
        ...('of' in rollup && rollup.kind !== 'cardinality' ? { metrics: [rollup.of.name] } : {}),
      },
    ],
    cases: [{ name: each.name, status: each.status, condition: `${query.alias} ${operator} ${threshold}` }],
    options: {
      detectionMethod: 'threshold',
      evaluationWindow: window,
      keepAlive: Math.max(window, rule.keepAliveMs / 1000),
      maxSignalDuration: Math.max(window, rule.maxSignalDurationMs / 1000),
    },
  }
  try {
    return readImportableRule(JSON.stringify(json), rule.file)
  } catch {
    return undefined
  }
}
