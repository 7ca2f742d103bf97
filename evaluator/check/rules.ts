import { constraints } from '../monitor/constraints.ts'
import type { Level } from './finding.ts'

export interface RuleText {
  readonly id: string
  readonly level: Level
  readonly description: string
}

/** What each kind of finding is about; the constraints between options say where they are documented. */
export const rules: readonly RuleText[] = [
  { id: 'not-json', level: 'error', description: 'The file is not JSON.' },
  {
    id: 'repeated-key',
    level: 'error',
    description: 'A key occurs twice in one object: one of the two values is lost.',
  },
  { id: 'schema', level: 'error', description: 'A key is missing, or has a value that the API refuses.' },
  { id: 'query', level: 'error', description: 'The query or the search in it cannot be read.' },
  { id: 'template', level: 'error', description: 'A message has a tag or block that is unknown or not closed.' },
  { id: 'condition', level: 'error', description: 'The condition of a case of a Cloud SIEM rule cannot be read.' },
  ...constraints.map(({ id, kind, source }): RuleText => {
    return {
      id,
      level: kind === 'fault' ? 'error' : 'warning',
      description: `A constraint between options. Source: ${source}`,
    }
  }),
  {
    id: 'no-effect',
    level: 'warning',
    description: 'A key or option has no effect on a log monitor or a rule, or is not known.',
  },
  { id: 'count-of-a-facet', level: 'warning', description: 'A rollup "count" with a facet counts logs, not values.' },
  { id: 'undocumented-search', level: 'warning', description: 'A form of search that Datadog does not document.' },
  {
    id: 'search-slip',
    level: 'warning',
    description: 'A term of another language of search: `and` in place of AND, a network without CIDR.',
  },
  { id: 'unknown-variable', level: 'warning', description: 'A variable of a message shows nothing.' },
  { id: 'payload-variable', level: 'warning', description: 'A variable of webhook payloads stands in a message.' },
  { id: 'no-handle', level: 'warning', description: 'A message without a handle notifies nobody.' },
  { id: 'handle-not-set-apart', level: 'warning', description: 'A handle needs a blank or a line end on both sides.' },
  { id: 'short-window', level: 'warning', description: 'A window under five minutes is reported to give no data.' },
  { id: 'status-may-stay', level: 'warning', description: 'Without data the monitor keeps its last status.' },
  { id: 'silent-term', level: 'warning', description: 'A term or facet that no log of the recording has.' },
  { id: 'unused-query', level: 'warning', description: 'A query of a Cloud SIEM rule that no case uses.' },
  {
    id: 'hidden-case',
    level: 'warning',
    description: 'A case of a Cloud SIEM rule that a case above it hides: the first that matches decides.',
  },
  { id: 'slow-cadence', level: 'note', description: 'A long window is evaluated less often than each minute.' },
  { id: 'evaluation-delay', level: 'note', description: 'Every alert comes later by the delay.' },
  { id: 'group-limit', level: 'note', description: 'Groups beyond a limit are never evaluated.' },
  { id: 'new-group-delay', level: 'note', description: 'A new group is not evaluated at first.' },
  { id: 'not-evaluated', level: 'note', description: 'Datadog evaluates this; alertproof does not.' },
  { id: 'not-a-log-alert', level: 'note', description: 'A monitor of another type, which is not checked.' },
]
