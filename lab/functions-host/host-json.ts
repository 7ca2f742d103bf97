import { validateHeaderName, validateHeaderValue } from 'node:http'
import { isLogLevel } from './log.ts'

/** The settings of host.json that this host supports. */
export interface HostJson {
  /** Without slashes at its ends; `''` means no prefix. */
  readonly routePrefix: string
  readonly customHeaders: Readonly<Record<string, string>>
  /** The limit of concurrent requests; others wait. Infinity if unlimited. */
  readonly maxConcurrentRequests: number
  /** The limit of running and waiting requests; beyond it 429. Infinity if unlimited. */
  readonly maxOutstandingRequests: number
  /** Infinity for `-1`. */
  readonly functionTimeoutMs: number
  readonly logLevel: Readonly<Record<string, string>>
  /** Dotted names of settings without effect here. */
  readonly ignored: readonly string[]
}

type Json = Readonly<Record<string, unknown>>
const DEFAULT_TIMEOUT_MS = 30 * 60_000

/**
 * @param text the file, comments allowed
 * @throws Error naming the setting with an unusable value
 * @see https://learn.microsoft.com/azure/azure-functions/functions-host-json
 */
export function parseHostJson(text: string): HostJson {
  const root = objectAt(parseJsonWithComments(text, 'host.json'), '')
  if (root.version !== '2.0') throw new Error('host.json: version must be "2.0"')
  const extensions = objectAt(root.extensions, 'extensions')
  const http = objectAt(extensions.http, 'extensions.http')
  const logging = objectAt(root.logging, 'logging')
  return {
    routePrefix: stringAt(http.routePrefix ?? 'api', 'extensions.http.routePrefix').replace(/^\/+|\/+$/g, ''),
    customHeaders: customHeaders(http.customHeaders),
    maxConcurrentRequests: limit(http.maxConcurrentRequests, 'extensions.http.maxConcurrentRequests'),
    maxOutstandingRequests: limit(http.maxOutstandingRequests, 'extensions.http.maxOutstandingRequests'),
    functionTimeoutMs: timeSpanMs(root.functionTimeout),
    logLevel: logLevels(logging.logLevel),
    ignored: [
      ...unknown(root, '', ['version', 'extensions', 'logging', 'functionTimeout', '$schema']),
      ...unknown(extensions, 'extensions.', ['http']),
      ...unknown(http, 'extensions.http.', [
        'routePrefix',
        'customHeaders',
        'maxConcurrentRequests',
        'maxOutstandingRequests',
      ]),
      ...unknown(logging, 'logging.', ['logLevel']),
    ],
  }
}

/** @throws SyntaxError naming `file` */
export function parseJsonWithComments(text: string, file: string): unknown {
  // String literals are matched first and kept, so `//` inside one is not a comment.
  const bare = text
    .replace(/^\uFEFF/, '')
    .replace(/"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) => (part.startsWith('"') ? part : ' '))
  try {
    return JSON.parse(bare)
  } catch (cause) {
    throw new SyntaxError(`${file} is not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

const unknown = (object: Json, prefix: string, known: readonly string[]): string[] =>
  Object.keys(object)
    .filter((key) => !known.includes(key))
    .map((key) => prefix + key)

function objectAt(value: unknown, name: string): Json {
  if (value === undefined) return {}
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new Error(`host.json: ${name || 'the file'} must be an object`)
}

function stringAt(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  throw new Error(`host.json: ${name} must be a string`)
}

function limit(value: unknown, name: string): number {
  if (value === undefined || value === -1) return Number.POSITIVE_INFINITY
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
  throw new Error(`host.json: ${name} must be a positive integer, or -1 for no limit`)
}

function customHeaders(value: unknown): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, raw] of Object.entries(objectAt(value, 'extensions.http.customHeaders'))) {
    const content = stringAt(raw, `extensions.http.customHeaders.${name}`)
    validateHeaderName(name)
    validateHeaderValue(name, content)
    headers[name] = content
  }
  return headers
}

function logLevels(value: unknown): Record<string, string> {
  const levels: Record<string, string> = {}
  for (const [category, level] of Object.entries(objectAt(value, 'logging.logLevel'))) {
    if (!isLogLevel(level)) throw new Error(`host.json: logging.logLevel.${category} is not a log level`)
    levels[category] = level
  }
  return levels
}

function timeSpanMs(value: unknown): number {
  if (value === undefined || value === null) return DEFAULT_TIMEOUT_MS
  if (value === -1 || value === '-1') return Number.POSITIVE_INFINITY
  const match = typeof value === 'string' ? /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})$/.exec(value) : null
  if (!match) throw new Error('host.json: functionTimeout must be a time span like "00:05:00", or "-1"')
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0))
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}
