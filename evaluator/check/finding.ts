/** How much a finding weighs: an import would fail, would work otherwise than it looks, or costs something worth knowing. */
export type Level = 'error' | 'warning' | 'note'

/** What a monitor's file says, before it is known on which line. */
export interface Remark {
  readonly level: Level
  /** Names the kind of finding: `short-window`. */
  readonly rule: string
  /** Below the monitor: `options.thresholds.critical`, `message:57`. */
  readonly place: string
  readonly message: string
}

export interface Finding extends Remark {
  readonly file: string
  /** Both from 1. */
  readonly line: number
  readonly column: number
  /** What the monitor is called; undefined for the file as a whole. */
  readonly monitor: string | undefined
}

/** The place behind the name of its monitor: places in the output of Terraform begin with an address, which is that name. */
export const placeBelow = ({ monitor, place }: Pick<Finding, 'monitor' | 'place'>): string =>
  monitor !== undefined && place.startsWith(`${monitor}.`) ? place.slice(monitor.length + 1) : place

export interface Checked {
  /** Whether it is a rule of Cloud SIEM. */
  readonly isRule: boolean
  readonly file: string
  readonly monitor: string
  readonly tags: readonly string[]
}

export interface CheckReport {
  readonly findings: readonly Finding[]
  /** Every monitor and rule that was checked, by file. */
  readonly checked: readonly Checked[]
  /** Whether some file could not be read as JSON. */
  readonly unreadable: boolean
}

export const countOf = (findings: readonly Finding[], level: Level): number =>
  findings.filter((finding) => finding.level === level).length
