/** Text that reads as a number. */
const numeric = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/
const whole = /^-?\d+$/

/** A number of any size: a whole one beyond 2^53 is a bigint, because a double would merge it with its neighbours. */
export type ExactNumber = number | bigint

/** @returns undefined for a text that does not read as a number */
export function exactNumber(text: string): ExactNumber | undefined {
  if (!numeric.test(text)) return undefined
  const number = Number(text)
  return Number.isSafeInteger(number) || !whole.test(text) ? number : BigInt(text)
}
