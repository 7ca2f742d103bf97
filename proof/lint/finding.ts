/** One thing that is wrong with a detection, and what to do about it. */
export interface Finding {
  readonly file: string
  /** Where in the file: `options.thresholds.critical`, `query:57`; empty for the file as a whole. */
  readonly place: string
  readonly what: string
  readonly remedy: string
}

/** Notes what is wrong at a place of a file. */
export type Tell = (place: string, what: string, remedy: string) => void
/** @param file that the findings are about */
export type TellOf = (file: string) => Tell
