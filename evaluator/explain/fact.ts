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

/** More points than a picture can show. */
const MAX_POINTS = 1000

/** Of too many points the lowest and highest of equally many at a time. */
export function thinned<T extends { readonly value: number }>(points: readonly T[]): readonly T[] {
  if (points.length <= MAX_POINTS) return points
  const size = Math.ceil((2 * points.length) / MAX_POINTS)
  const kept: T[] = []
  for (let at = 0; at < points.length; at += size) {
    const some = points.slice(at, at + size)
    const byValue = some.toSorted((a, b) => a.value - b.value || 0)
    const ends = new Set([byValue[0], byValue.at(-1)])
    kept.push(...some.filter((point) => ends.has(point)))
  }
  return kept
}
