/** A time as a fact has it. @param at epoch ms */
export const timeFact = (at: number): string => new Date(at).toISOString()

/** A value as a fact has it. @param value NaN for none */
export const valueFact = (value: number): number | null => (Number.isNaN(value) ? null : value)

/** The items that are nearest to a time, at most `most`, in their order. @param at epoch ms */
export function nearestTo<T extends { readonly at: string }>(items: readonly T[], at: number, most: number): T[] {
  const apart = ({ at: own }: T) => Math.abs(Date.parse(own) - at)
  const nearest = new Set(items.toSorted((a, b) => apart(a) - apart(b)).slice(0, most))
  return items.filter((item) => nearest.has(item))
}
