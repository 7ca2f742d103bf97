/** Text that reads as a number. */
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/
const WHOLE_NUMBER = /^-?\d+$/

/** A number of any size: a whole one beyond 2^53 is a bigint, because a double would merge it with its neighbours. */
export type ExactNumber = number | bigint

/** @returns undefined for a text that does not read as a number */
export function exactNumber(text: string): ExactNumber | undefined {
  if (!NUMBER.test(text)) return undefined
  const number = Number(text)
  return Number.isSafeInteger(number) || !WHOLE_NUMBER.test(text) ? number : BigInt(text)
}
