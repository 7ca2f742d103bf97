import { type Mutant, mutantsOf as mutantsOfMonitor } from 'alertproof/mutate'
import { isRecord } from 'alertproof/query'
import type { Detection } from '../../detections/harness.ts'

/** Every mutant of a detection. By mistake it names other attributes of an event that it counts. */
export const mutantsOf = ({ monitor, proof }: Detection): Mutant[] =>
  mutantsOfMonitor(monitor, { named: fieldsOf(proof.counts(0, 0, 0)), counted: ['request_id'] })

/** Every field that an event holds a value in, as `.by` names it after its `@`. */
function fieldsOf(event: object, above = ''): string[] {
  return Object.entries(event).flatMap(([name, value]) =>
    isRecord(value) ? fieldsOf(value, `${above}${name}.`) : [`${above}${name}`],
  )
}
