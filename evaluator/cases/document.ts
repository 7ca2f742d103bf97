import { extname } from 'node:path'
import { type Document, LineCounter, parseDocument as parseYaml } from 'yaml'
import { InputError } from '../input-error.ts'
import { parseJson } from '../json.ts'
import { parseDocument as parseJsonDocument } from '../monitor/json-document.ts'

/** @throws InputError with the faults of the text and their lines */
export function readDocument(text: string, file: string): unknown {
  if (extname(file) === '.json') {
    const { faults } = parseJsonDocument(text)
    if (faults.length > 0)
      throw new InputError(faults.map(({ place, reason }) => `${file}:${place}: ${reason}`).join('\n'))
    return parseJson(text.replace(/^\uFEFF/, ''))
  }
  return plain(yamlOf(text, file).toJS())
}

/** Faults after these usually follow from the first: of a file that is no YAML, each word may be one. */
const MAX_FAULTS = 3

/** @throws InputError with the first faults of the text and their lines */
export function yamlOf(text: string, file: string): Document.Parsed {
  const lineCounter = new LineCounter()
  const document = parseYaml(text, { intAsBigInt: true, prettyErrors: false, lineCounter })
  const faults = document.errors.map(({ pos: [start], message }) => {
    const { line, col } = lineCounter.linePos(start)
    return `${file}:${line}:${col}: ${message}`
  })
  const more = faults.length > MAX_FAULTS ? [`${file}: ${faults.length - MAX_FAULTS} more of these`] : []
  if (faults.length > 0) throw new InputError([...faults.slice(0, MAX_FAULTS), ...more].join('\n'))
  return document
}

/** As `parseJson`: a whole number beyond 2^53 becomes the text of its digits. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}
