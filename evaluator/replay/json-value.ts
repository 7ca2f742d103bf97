import { parseJson } from '../json.ts'
import { QUOTE } from './bytes.ts'

/** Reads a JSON value that the scanner has checked. Most are texts without an escape, which are only copied. */
export function readValue(buffer: Buffer, start: number, end: number): unknown {
  if (buffer[start] === QUOTE) {
    const text = buffer.toString('utf8', start + 1, end - 1)
    if (!text.includes('\\')) return text
  }
  return parseJson(buffer.toString('utf8', start, end))
}
