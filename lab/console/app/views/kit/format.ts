const NUMBER = new Intl.NumberFormat('en-GB')

/** With separators of thousands. */
export const number = (value: number): string => NUMBER.format(value)

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`

/** @returns the value in the middle; undefined without any */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low, high] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 0 && low !== undefined && high !== undefined ? (low + high) / 2 : high
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Whether a request was given up by the page itself. */
export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError'
