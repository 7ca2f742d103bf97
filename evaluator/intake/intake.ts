import type { IncomingHttpHeaders } from 'node:http'
import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import { isRecord, parseJson } from '../json.ts'
import type { IndexedLog } from '../log.ts'
import { FrameError, parseFrames, type SyslogMessage } from './logplex-frames.ts'
import type { Pipeline } from './pipeline.ts'
import { isDeeperThan, preprocess, type UrlFields } from './preprocess.ts'

/** The limit of an uncompressed request: go-client v2 SubmitLog. */
export const PAYLOAD_BYTES = 5 * 1024 * 1024
const MAX_ENTRIES = 1000
const MAX_AGE_MS = 18 * 60 * 60 * 1000
const MAX_DEPTH = 20

/** One authenticated request to the intake, with its unread body. */
export interface Submission {
  headers: IncomingHttpHeaders
  query: URLSearchParams
  body: Buffer
  /** Epoch ms. */
  receivedAt: number
}

/** The result of a request. */
export type IntakeAnswer =
  /** `tooOld` is the number of logs dated more than 18 h before their arrival. They are left out, and the request is still 202. */
  { kind: 'accepted'; logs: IndexedLog[]; tooOld: number } | { kind: 'refused'; status: 400 | 413; detail: string }

/**
 * Reads one `POST /api/v2/logs` into logs.
 * Undocumented, chosen here: an array of more than 1000 entries is 400, and a payload that is too large is 413; one bad entry or frame
 * refuses the whole request, and the answer has its position; `text/plain` is one log per line; `Logplex-Msg-Count` is not compared.
 * @param pipelines applied in order to each log after its preprocessing
 */
export async function readSubmission(
  submission: Submission,
  pipelines: readonly Pipeline[] = [],
): Promise<IntakeAnswer> {
  const { headers, query, receivedAt } = submission
  try {
    const body = await decode(submission.body, headers['content-encoding'])
    const entries = entriesOf(body, mediaType(headers['content-type']))
    const url = urlFields(query)
    const logs = entries.map((entry) => preprocess(entry, url, receivedAt))
    for (const log of logs) for (const { process } of pipelines) process(log, receivedAt)
    const recent = logs.filter((log) => log.timestamp >= receivedAt - MAX_AGE_MS)
    return { kind: 'accepted', logs: recent, tooOld: logs.length - recent.length }
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', status: error.status, detail: error.message }
    throw error
  }
}

/** Thrown to refuse a request. */
class Refusal extends Error {
  readonly status: 400 | 413

  constructor(status: 400 | 413, detail: string) {
    super(detail)
    this.status = status
  }
}

const DECODERS = { gzip: promisify(gunzip), deflate: promisify(inflate) }

async function decode(body: Buffer, encoding = 'identity'): Promise<Buffer> {
  const name = encoding.trim().toLowerCase()
  if (name === 'identity' || name === '') return body
  if (name !== 'gzip' && name !== 'deflate') throw new Refusal(400, `Content-Encoding ${quote(encoding)} is not known`)
  try {
    return await DECODERS[name](body, { maxOutputLength: PAYLOAD_BYTES })
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    if (tooLarge) throw new Refusal(413, `the payload is larger than ${PAYLOAD_BYTES} bytes when uncompressed`)
    throw new Refusal(400, `the body is not ${name}`)
  }
}

const mediaType = (header = 'application/json'): string => (header.split(';', 1)[0] ?? '').trim().toLowerCase()

function entriesOf(body: Buffer, type: string): Record<string, unknown>[] {
  if (type === 'application/json') return jsonEntries(body.toString('utf8'))
  if (type === 'application/logplex-1') return frames(body).map(fromSyslog)
  if (type === 'text/plain') return textEntries(body.toString('utf8'))
  throw new Refusal(400, `Content-Type ${quote(type)} is not application/json, text/plain or application/logplex-1`)
}

function jsonEntries(text: string): Record<string, unknown>[] {
  const parsed = parseBody(text)
  const entries: unknown[] = Array.isArray(parsed) ? parsed : [parsed]
  if (entries.length > MAX_ENTRIES) {
    throw new Refusal(400, `the array has ${entries.length} entries, but at most ${MAX_ENTRIES} are allowed`)
  }
  return entries.map((entry, position) => {
    if (!isRecord(entry)) throw new Refusal(400, `entry ${position} is not an object`)
    if (isDeeperThan(entry, MAX_DEPTH))
      throw new Refusal(400, `entry ${position} nests deeper than ${MAX_DEPTH} levels`)
    return entry
  })
}

function parseBody(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new Refusal(400, `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const textEntries = (text: string): Record<string, unknown>[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((message) => ({ message }))

function frames(body: Buffer): SyslogMessage[] {
  try {
    return parseFrames(body)
  } catch (error) {
    if (error instanceof FrameError) throw new Refusal(400, error.message)
    throw error
  }
}

/** An entry for a message of a drain, with the names that Datadog gives to drained logs. `facility` is undocumented. */
export const fromSyslog = ({ message, ...syslog }: SyslogMessage): Record<string, unknown> => ({ message, syslog })

const INTAKE_PARAMETERS = new Set(['dd-api-key', 'ddsource', 'ddtags', 'service'])

/** Reads the query of a request. Each parameter that the intake does not use becomes an attribute of every log. */
export function urlFields(query: URLSearchParams): UrlFields {
  return {
    service: query.get('service') || undefined,
    ddsource: query.get('ddsource') || undefined,
    ddtags: query.get('ddtags') || undefined,
    attributes: Object.fromEntries([...query].filter(([name]) => !INTAKE_PARAMETERS.has(name))),
  }
}

const quote = (text: string): string => JSON.stringify(text.slice(0, 100))
