import type { LogPlace } from '../logs/index.ts'

/** `shop.jsonl:7`; of other forms `shop.csv: row 7`. @param fallback the name of the only file */
export function placeText({ file, place }: LogPlace, fallback: string | undefined): string {
  const name = file ?? fallback
  if (name === undefined || name === '-') return place
  const line = /^line (\d+)$/.exec(place)
  return line ? `${name}:${line[1]}` : `${name}: ${place}`
}

/** The number of a line, row, record or frame. */
export const numberOf = ({ place }: LogPlace): number => Number(/\d+$/.exec(place)?.[0])
