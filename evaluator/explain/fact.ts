/** A time as a fact has it. @param at epoch ms */
export const timeFact = (at: number): string => new Date(at).toISOString()

/** A value as a fact has it. @param value NaN for none */
export const valueFact = (value: number): number | null => (Number.isNaN(value) ? null : value)
