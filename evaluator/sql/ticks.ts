/** The first evaluation that is later than a time. @param time an expression in epoch ms */
export const tickAfter = (time: string, stepMs: number): string => `((${time}) // ${stepMs} + 1) * ${stepMs}`

/** The first evaluation at a time or later. */
export const tickFrom = (time: string, stepMs: number): string => `((${time} + ${stepMs - 1}) // ${stepMs}) * ${stepMs}`
