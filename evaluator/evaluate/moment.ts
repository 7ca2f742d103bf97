/** The time of what has not happened yet. It is before every time. */
export const NOT_YET = Number.NEGATIVE_INFINITY
/** The time of what will not happen. It is after every time. */
export const NO_DEADLINE = Number.POSITIVE_INFINITY

/** A saved time in epoch ms. JSON writes null for {@link NOT_YET} and {@link NO_DEADLINE}; each field uses one of them only. */
export type Moment = number | null
