/** Before every time: of what has not happened yet. */
export const NOT_YET = Number.NEGATIVE_INFINITY
/** After every time. */
export const NO_DEADLINE = Number.POSITIVE_INFINITY

/** A time or duration in epoch ms as it is saved: JSON writes null for the infinity that its place can hold. */
export type Moment = number | null
