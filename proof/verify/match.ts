import type { Alert, SignalReport } from 'alertproof/notify'
import type { BenignUse, Group } from '../../attacks/kit/attack.ts'

/** The facts of a detonation by which its alerts are recognised. */
export interface Detonated {
  /** The detection that has to fire. */
  readonly monitor: string
  readonly group: Group
  /** Epoch ms: an alert about anything earlier is not ours. */
  readonly since: number
  /** Undefined where the alert is about all of the service: its logs are anybody's, or it has none. */
  readonly runId: string | undefined
}

type Told = Pick<Alert, 'monitor' | 'transition' | 'group' | 'at' | 'sample'>

/** By monitor, group and time, and by the run id that the alert's own logs carry: another's alert never counts. */
export const isAlertOf = (alert: Told, { monitor, group, since, runId }: Detonated): boolean =>
  alert.monitor === monitor &&
  alert.transition === 'Triggered' &&
  isSameGroup(alert.group, group) &&
  Date.parse(alert.at) >= since &&
  (runId === undefined || alert.sample.some(({ attributes }) => attributes.run_id === runId))

type Signalled = Pick<SignalReport, 'rule' | 'transition' | 'group' | 'at' | 'sample'>

/** A rule has the slug of the monitor that it stands beside. */
const asAlert = ({ rule, ...signal }: Signalled): Told => ({ ...signal, monitor: rule })

/** The signal of the rule beside the monitor: by the same facts as its alert. */
export const isSignalOf = (signal: Signalled, detonated: Detonated): boolean => isAlertOf(asAlert(signal), detonated)

type Harmless = Pick<BenignUse, 'groups' | 'aftermathOf'> & { readonly runId: string }

/** An alert that something harmless caused: about one of its subjects, or because of one of its events. */
export const isFalseAlert = (alert: Told, { groups, aftermathOf = [], runId }: Harmless): boolean =>
  alert.transition !== 'Recovered' &&
  !aftermathOf.some(({ monitor, group }) => alert.monitor === monitor && isSameGroup(alert.group, group)) &&
  (isAbout(alert, groups) || alert.sample.some(({ attributes }) => attributes.run_id === runId))

/** A signal that something harmless caused. */
export const isFalseSignal = (signal: Signalled, twin: Harmless): boolean =>
  signal.transition !== 'Closed' && isFalseAlert(asAlert(signal), twin)

export const isAbout = (alert: Pick<Alert, 'group'>, groups: readonly Group[]): boolean =>
  groups.some((group) => isSameGroup(alert.group, group))

export function isSameGroup(one: Group, other: Group): boolean {
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key])
}
