/** @param rule the kind of finding, where it has a name of its own */
type Note = (place: string, reason: string, rule?: string) => void

/** Where the reading of a rule puts what it finds. */
export interface Sinks {
  /** Datadog would not take it, or would not do what it says. */
  readonly fault: Note
  /** Datadog evaluates this; we do not. */
  readonly refusal: Note
  /** Read and kept, without effect here, or with a meaning that we chose. A fault in files of ours. */
  readonly note: Note
}
