import { logOfEvent } from '../../app-event.ts'
import type { EpochSink } from '../../intake/epoch.ts'
import { readDate } from '../../intake/preprocess.ts'
import { isRecord } from '../../json.ts'
import type { IndexedLog } from '../../log.ts'

/**
 * Reads one record of a Datadog log export. Datadog parsed its attributes and remapped its reserved attributes before it stored the
 * record, so neither a JSON message nor an attribute named `status` is read again.
 * - `GET /api/v2/logs/events`: `{id, type: "log", attributes: {timestamp, status, service, host, message, tags, attributes}}`
 * - `POST /api/v1/logs-queries/list`: `{id, content: {timestamp, service, host, message, tags, attributes}}`
 * - a log archive: `{_id, date, status, service, source, host, message, tags, attributes}`
 * Any other record is read as an event that an app logged.
 * Its timestamp is NaN when it has no readable date.
 */
export function logOfRecord(record: Record<string, unknown>, onEpoch?: EpochSink): IndexedLog {
  return isExported(record) ? logOfStored(partsOf(record), onEpoch) : logOfEvent(record, onEpoch)
}

/** Whether an object is a record of an export. Otherwise it is an event that an app logged. */
export function isExported(record: Record<string, unknown>): boolean {
  if (isRecord(record.content)) return 'id' in record
  if (!isRecord(record.attributes)) return false
  return record.type === 'log' || '_id' in record || ('id' in record && 'timestamp' in record.attributes)
}

/** The id and the log of a record of any of the three forms. */
function partsOf(record: Record<string, unknown>): Record<string, unknown> {
  if (isRecord(record.content)) return { id: record.id, ...record.content }
  if ('_id' in record) return { ...record, id: record._id, timestamp: record.date ?? record.timestamp }
  return { id: record.id, ...(isRecord(record.attributes) ? record.attributes : {}) }
}

function logOfStored(parts: Record<string, unknown>, onEpoch?: EpochSink): IndexedLog {
  const attributes = isRecord(parts.attributes) ? parts.attributes : {}
  const text = (name: string) => {
    const value = parts[name] ?? (name === 'status' ? attributes.status : undefined)
    return typeof value === 'string' ? { [name]: value } : {}
  }
  const tags = Array.isArray(parts.tags) ? parts.tags.filter((tag) => typeof tag === 'string') : []
  return {
    id: String(parts.id ?? ''),
    timestamp: readDate(parts.timestamp, Number.POSITIVE_INFINITY, 'timestamp', onEpoch) ?? Number.NaN,
    ...text('message'),
    ...text('service'),
    ...text('host'),
    ...text('status'),
    ...text('source'),
    tags,
    attributes,
  }
}
