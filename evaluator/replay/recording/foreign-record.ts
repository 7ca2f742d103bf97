import { logOfEvent } from '../../app-event.ts'
import type { EpochSink } from '../../intake/epoch.ts'
import { DATE_KEYS, lookUp, readDate, statusOf } from '../../intake/preprocess.ts'
import { isRecord } from '../../json.ts'
import type { IndexedLog } from '../../log.ts'
import type { ForeignForm } from './forms.ts'

type Json = Record<string, unknown>

/** The form that one record has by its keys; undefined for an event of an application. */
export function foreignFormOf(record: Json): ForeignForm | undefined {
  if (isElastic(record)) return 'elastic'
  if (areTexts(record, ['eventVersion', 'eventSource', 'eventName', 'eventTime'])) return 'cloudtrail'
  if (areTexts(record, ['published', 'eventType', 'uuid'])) return 'okta'
  if (!('level' in record) || !('msg' in record) || isDated(record)) return undefined
  if (readTime(record.time) === undefined && readTime(record.ts) === undefined) return undefined
  return loggerOf(record)
}

/** Which logger writes a level and a message so. */
function loggerOf(record: Json): ForeignForm {
  if (typeof record.v === 'number' && 'name' in record) return 'bunyan'
  if (typeof record.level === 'number' || ('pid' in record && 'hostname' in record)) return 'pino'
  if (!('time' in record)) return 'zap'
  if (typeof record.time !== 'string') return 'pino'
  return /^[A-Z]/.test(String(record.level)) ? 'slog' : 'logrus'
}

const areTexts = (record: Json, keys: readonly string[]): boolean =>
  keys.every((key) => typeof record[key] === 'string')

const isElastic = (record: Json): boolean =>
  isHit(record) || isAction(record) || ('@timestamp' in record && lookUp(record, 'ecs.version') !== undefined)

const isHit = (record: Json): boolean => isRecord(record._source) && ('_index' in record || '_id' in record)

/** The line before a document in a body of `POST /_bulk`. */
function isAction(record: Json): boolean {
  const [key = '', ...more] = Object.keys(record)
  const action = record[key]
  return (
    more.length === 0 &&
    ['index', 'create', 'update', 'delete'].includes(key) &&
    isRecord(action) &&
    Object.keys(action).every((name) => /^_|^(routing|pipeline|require_alias|dynamic_templates)$/.test(name))
  )
}

const readTime = (value: unknown): number | undefined => readDate(value, Number.POSITIVE_INFINITY)
const isDated = (record: Json): boolean => DATE_KEYS.some((key) => readTime(lookUp(record, key)) !== undefined)

/**
 * Decision `foreign-logs`, undocumented: logs that another product wrote are read as if they had been sent to Datadog
 * unchanged, with the source and service that its integration gives. The pipeline of the integration is not known here. The
 * product's own fields for service, host, level, message and time are read as Datadog's.
 * @returns undefined for a record that is not a log
 */
export function logOfForeign(form: ForeignForm, record: Json, onEpoch?: EpochSink): IndexedLog | undefined {
  switch (form) {
    case 'elastic':
      return isAction(record) ? undefined : logOfElastic(isRecord(record._source) ? record._source : record, onEpoch)
    case 'cloudtrail':
      return withSource(logOfEvent(record, onEpoch), form)
    case 'okta':
      return timed(withSource(logOfEvent(record, onEpoch), form), record, ['published'], onEpoch)
    default:
      return logOfLogger(record, onEpoch)
  }
}

function withSource(log: IndexedLog, source: string): IndexedLog {
  log.source ??= source
  log.service ??= source
  return log
}

/** Takes the time from the first of the keys that holds one. */
function timed(log: IndexedLog, record: Json, keys: readonly string[], onEpoch?: EpochSink): IndexedLog {
  for (const key of keys) {
    const at = readDate(lookUp(record, key), Number.POSITIVE_INFINITY, key, onEpoch)
    if (at === undefined) continue
    log.timestamp = at
    break
  }
  return log
}

/** @see https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html */
function logOfElastic(document: Json, onEpoch?: EpochSink): IndexedLog {
  const log = logOfEvent(document, onEpoch)
  const text = (...paths: string[]) =>
    paths.map((path) => lookUp(document, path)).find((value) => typeof value === 'string')
  const names = {
    service: text('service.name', 'service'),
    host: text('host.name', 'host.hostname', 'host', 'hostname'),
  }
  for (const name of ['service', 'host'] as const) {
    const value = names[name]
    if (value === undefined) delete log[name]
    else log[name] = value
  }
  const level = text('log.level', 'level')
  if (level !== undefined) log.status = statusOf(level)
  const tags = Array.isArray(document.tags) ? document.tags.filter((tag) => typeof tag === 'string') : []
  const environment = text('service.environment')
  const more = environment === undefined ? tags : [...tags, `env:${environment}`]
  log.tags = [...new Set([...(log.tags ?? []), ...more.map((tag) => tag.toLowerCase())])]
  return log
}

/** @see https://getpino.io/#/docs/api?id=level-string and https://github.com/trentm/node-bunyan#levels */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

function logOfLogger(record: Json, onEpoch?: EpochSink): IndexedLog {
  const { level, msg } = record
  const named = typeof level === 'number' ? (LEVELS[Math.floor(level / 10) - 1] ?? 'info') : level
  const log = logOfEvent({ ...record, level: named, ...(record.message === undefined && { message: msg }) }, onEpoch)
  log.attributes.level = level
  return timed(log, record, ['time', 'ts'], onEpoch)
}
