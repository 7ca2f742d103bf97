import { setImmediate as nextTurn } from 'node:timers/promises'
import { type IndexedLog, SearchSyntaxError } from 'alertproof'
import { InputError, LogSearch, readTime, UsageError } from 'alertproof/cli'
import type { Routes } from '../datadog/http.ts'
import { sendError, sendJson } from '../datadog/http.ts'
import type { Found } from './api.ts'
import { numberIn } from './changing.ts'
import { lineOf } from './log-text.ts'

const DEFAULT_ROWS = 100
const MAX_ROWS = 1_000
const MAX_GROUPS = 10_000
const SHOWN_COUNTS = 500
const MAX_BUCKETS = 60
/** Shown where a log lacks a field by which is counted. */
const NO_VALUE = '-'
/** After this long the evaluation gets a turn. */
const SLICE_MS = 10
/** Of columns, and of fields to count by. */
const MAX_FIELDS = 30
const MAX_AT_ONCE = 8

/**
 * A search ends early once its client has disconnected.
 * @param logs those that are kept, in order of arrival
 */
export function searchRoutes(logs: Iterable<IndexedLog>): Routes {
  let underWay = 0
  return {
    'GET /lab/search': async (_request, response, query) => {
      const limit = numberIn(query.get('limit'), DEFAULT_ROWS, 1, MAX_ROWS)
      if (limit === undefined) return sendError(response, 400, `limit must be a whole number from 1 to ${MAX_ROWS}`)
      if (underWay >= MAX_AT_ONCE) return sendError(response, 503, `${MAX_AT_ONCE} searches are under way: try again`)
      underWay++
      try {
        sendJson(response, 200, await search([...logs], query, limit, () => response.destroyed))
      } catch (error) {
        if (!isFault(error)) throw error
        sendError(response, 400, error.message)
      } finally {
        underWay--
      }
    },
  }
}

/** Whether the fault is in the request. */
const isFault = (error: unknown): error is Error =>
  error instanceof SearchSyntaxError || error instanceof UsageError || error instanceof InputError

async function search(
  logs: readonly IndexedLog[],
  query: URLSearchParams,
  limit: number,
  isLeft: () => boolean,
): Promise<Found | undefined> {
  for (const name of ['columns', 'by'])
    if ((query.get(name)?.split(',').length ?? 0) > MAX_FIELDS)
      throw new UsageError(`${name}: at most ${MAX_FIELDS} fields`)
  const now = Date.now()
  const timeOf = (name: string) => instantOf(name, query.get(name), now)
  const [from, to] = [timeOf('from'), timeOf('to')]
  const search = new LogSearch(query.get('query') || '*', {
    columns: query.get('columns') || undefined,
    by: query.get('by') || undefined,
    mostGroups: MAX_GROUPS,
  })
  const newest: IndexedLog[] = []
  const times: number[] = []
  let began = performance.now()
  for (let at = logs.length - 1; at >= 0; at--) {
    if (performance.now() - began > SLICE_MS) {
      await nextTurn()
      if (isLeft()) return undefined
      began = performance.now()
    }
    const log = logs[at]
    if (!log || !isWithin(log.timestamp, from, to) || !search.take(log)) continue
    times.push(log.timestamp)
    if (newest.length < limit) newest.push(log)
  }
  return {
    matched: search.matched,
    rows: newest
      .sort((a, b) => b.timestamp - a.timestamp)
      .map((log) => ({ at: log.timestamp, cells: search.cellsOf(log), line: lineOf(log) })),
    columns: search.columns,
    counts: search
      .counts()
      .slice(0, SHOWN_COUNTS)
      .map(({ values, count }) => ({ value: values.map((value) => value ?? NO_VALUE).join(', '), count })),
    buckets: bucketsOf(times, from, to),
    hints: logs.length === 0 ? [] : search.hints(),
  }
}

const isWithin = (at: number, from: number | undefined, to: number | undefined): boolean =>
  (from === undefined || at >= from) && (to === undefined || at < to)

/** @throws UsageError for what is no time */
function instantOf(name: string, text: string | null, now: number): number | undefined {
  if (text === null || text === '') return undefined
  return /^\d{10,15}$/.test(text) ? Number(text) : readTime(name, text, now)
}

/** Counts over time, from the first to the last instant that is asked for or that matched. */
function bucketsOf(times: readonly number[], from: number | undefined, to: number | undefined): Found['buckets'] {
  if (times.length === 0) return []
  const newest = times.reduce((most, at) => Math.max(most, at), Number.NEGATIVE_INFINITY)
  const begin = from ?? times.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY)
  const end = Math.max(begin + 1, Math.min(to ?? newest + 1, Math.max(newest + 1, Date.now())))
  const step = Math.max(1, Math.ceil((end - begin) / MAX_BUCKETS))
  const counts = new Array<number>(Math.ceil((end - begin) / step)).fill(0)
  for (const at of times) {
    const index = Math.floor((at - begin) / step)
    if (index >= 0 && index < counts.length) counts[index] = (counts[index] ?? 0) + 1
  }
  return counts.map((count, i) => [begin + i * step, count] as const)
}
