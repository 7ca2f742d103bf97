import type { IncomingHttpHeaders } from 'node:http'
import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import { parseJson } from '../json.ts'
import type { IndexedLog } from '../log.ts'
import { FrameError, parseFrames, type SyslogMessage } from './logplex-frames.ts'
import type { Pipeline } from './pipeline.ts'
import { isDeeperThan, isObject, preprocess, type UrlFields } from './preprocess.ts'

/** Uncompressed, per request: go-client v2 SubmitLog. */
export const PAYLOAD_BYTES = 5 * 1024 * 1024
const ARRAY_ENTRIES = 1000
const OLDEST_MS = 18 * 60 * 60 * 1000
const MAX_DEPTH = 20

/** One request to the intake, authenticated, its body as it came. */
export interface Submission {
  headers: IncomingHttpHeaders
  query: URLSearchParams
  body: Buffer
  /** Epoch ms. */
  receivedAt: number
}

export type IntakeAnswer =
  /** `tooOld` counts logs dated more than 18 h before their arrival: left out one by one, the request is still 202. */
  { kind: 'accepted'; logs: IndexedLog[]; tooOld: number } | { kind: 'refused'; status: 400 | 413; detail: string }

/**
 * Reads one `POST /api/v2/logs` into logs.
 * Where the documentation is silent: an array above 1000 entries is 400 and one too large is 413; one bad entry or frame
 * refuses the whole request, with its position; `text/plain` is one log per line; `Logplex-Msg-Count` is not compared.
 * @param pipelines each applied in turn to every log, after its preprocessing
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
    const recent = logs.filter((log) => log.timestamp >= receivedAt - OLDEST_MS)
    return { kind: 'accepted', logs: recent, tooOld: logs.length - recent.length }
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', status: error.status, detail: error.message }
    throw error
  }
}

class Refusal extends Error {
  readonly status: 400 | 413

  constructor(status: 400 | 413, detail: string) {
    super(detail)
    this.status = status
  }
}

const decoders = { gzip: promisify(gunzip), deflate: promisify(inflate) }

async function decode(body: Buffer, encoding = 'identity'): Promise<Buffer> {
  const name = encoding.trim().toLowerCase()
  if (name === 'identity' || name === '') return body
  if (name !== 'gzip' && name !== 'deflate') throw new Refusal(400, `Content-Encoding ${quote(encoding)} is not known`)
  try {
    return await decoders[name](body, { maxOutputLength: PAYLOAD_BYTES })
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
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
  if (entries.length > ARRAY_ENTRIES) {
    throw new Refusal(400, `the array has ${entries.length} entries, ${ARRAY_ENTRIES} are allowed`)
  }
  return entries.map((entry, position) => {
    if (!isObject(entry)) throw new Refusal(400, `entry ${position} is not an object`)
    if (isDeeperThan(entry, MAX_DEPTH))
      throw new Refusal(400, `entry ${position} nests deeper than ${MAX_DEPTH} levels`)
    return entry
  })
}

function parseBody(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new Refusal(400, `the body is not JSON: ${(error as Error).message}`)
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

/** The names are those of drained logs in Datadog; `facility` is undocumented. */
export const fromSyslog = ({ message, ...syslog }: SyslogMessage): Record<string, unknown> => ({ message, syslog })

const OURS = new Set(['dd-api-key', 'ddsource', 'ddtags', 'service'])

/** Any other query parameter becomes an attribute of every log. */
export function urlFields(query: URLSearchParams): UrlFields {
  return {
    service: query.get('service') || undefined,
    ddsource: query.get('ddsource') || undefined,
    ddtags: query.get('ddtags') || undefined,
    attributes: Object.fromEntries([...query].filter(([name]) => !OURS.has(name))),
  }
}

const quote = (text: string): string => JSON.stringify(text.slice(0, 100))
