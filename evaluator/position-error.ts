/** A text that cannot be read, such as a query or a condition, with the place of the fault. */
export class PositionError extends Error {
  /** Offset in the text, in UTF-16 units from 0. */
  readonly position: number

  constructor(reason: string, position: number) {
    super(reason)
    this.position = position
  }
}
