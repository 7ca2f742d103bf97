/** A fault of a detection, and its remedy. */
export interface Finding {
  readonly file: string
  /** Where in the file: `options.thresholds.critical`, `query:57`; empty for the file as a whole. */
  readonly place: string
  readonly what: string
  readonly remedy: string
}

/** Adds a finding at a place of a file. */
export type Report = (place: string, what: string, remedy: string) => void
/** @param file that the findings are about */
export type ReportIn = (file: string) => Report
