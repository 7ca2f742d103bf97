import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Monitor } from 'alertproof'
import { groupTagsOf } from 'alertproof/notify'
import type { AlertBook, GroupState } from './alerts.ts'
import { sendJson } from './http.ts'

export interface MonitorApiDeps {
  isKey(presented: string): boolean
  isAppKey(presented: string): boolean
  configuration(): { monitors: readonly Monitor[] }
  alerts: AlertBook
}

/** The default size of a page; without `page` all monitors are listed. @see Datadog API reference, Get all monitors */
const PAGE_SIZE = 100
const MAX_PAGE_SIZE = 1000

const STATES = { alert: 'Alert', warn: 'Warn', 'no data': 'No Data' } as const
type WantedState = keyof typeof STATES | 'all'

const isWantedState = (text: string): text is WantedState => text === 'all' || Object.hasOwn(STATES, text)

const PARAMETERS = ['group_states', 'name', 'monitor_tags', 'with_downtimes', 'id_offset', 'page', 'page_size']

/**
 * `GET /api/v1/monitor` as Datadog documents it: all monitors, with their groups in `state.groups` if `group_states` is given.
 * Only groups that are not OK are known; scope tags and downtimes are not supported.
 */
export function monitorListHandler({ isKey, isAppKey, configuration, alerts }: MonitorApiDeps) {
  const startedAt = new Date().toISOString()
  return (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => {
    const { 'dd-api-key': apiKey, 'dd-application-key': appKey } = request.headers
    if (typeof apiKey !== 'string') return refuse(response, 401, 'Unauthorized')
    if (typeof appKey !== 'string' || !isKey(apiKey) || !isAppKey(appKey)) return refuse(response, 403, 'Forbidden')
    const filter = readQuery(query)
    if ('fault' in filter) return refuse(response, 400, filter.fault)
    const wanted = [...configuration().monitors].sort((a, b) => a.id - b.id).filter(filter.matches)
    const page =
      filter.page === undefined ? wanted : wanted.slice(filter.page * filter.size, (filter.page + 1) * filter.size)
    const listed = page.map((monitor) => monitorOf(monitor, alerts.groups(monitor.slug), filter.states, startedAt))
    return sendJson(response, 200, listed)
  }
}

/** Version 1 of the API returns errors as plain texts. */
const refuse = (response: ServerResponse, status: number, error: string) =>
  sendJson(response, status, { errors: [error] })

interface ListQuery {
  readonly states: readonly WantedState[] | undefined
  readonly page: number | undefined
  readonly size: number
  matches(monitor: Monitor): boolean
}

function readQuery(query: URLSearchParams): ListQuery | { fault: string } {
  const other = [...query.keys()].find((name) => !PARAMETERS.includes(name))
  if (other !== undefined) return { fault: `unknown parameter ${other}` }
  const states = query
    .get('group_states')
    ?.split(',')
    .map((state) => state.trim())
  const unknown = states?.find((state) => !isWantedState(state))
  if (unknown !== undefined) return { fault: `group_states: ${unknown} must be all, alert, warn or no data` }
  const numbers = new Map<string, number>()
  for (const name of ['id_offset', 'page', 'page_size']) {
    const text = query.get(name)
    if (text === null) continue
    if (!/^\d{1,15}$/.test(text)) return { fault: `${name} must be a whole number` }
    numbers.set(name, Number(text))
  }
  const size = numbers.get('page_size') ?? PAGE_SIZE
  if (size < 1 || size > MAX_PAGE_SIZE) return { fault: `page_size must be from 1 to ${MAX_PAGE_SIZE}` }
  const name = query.get('name') ?? ''
  const tags = (query.get('monitor_tags') ?? '').split(',').filter(Boolean)
  return {
    states: states?.filter(isWantedState),
    page: numbers.get('page'),
    size,
    matches: (monitor) =>
      monitor.name.includes(name) &&
      monitor.id > (numbers.get('id_offset') ?? 0) &&
      tags.every((tag) => monitor.tags.includes(tag)),
  }
}

function monitorOf(
  monitor: Monitor,
  groups: readonly GroupState[],
  states: readonly WantedState[] | undefined,
  startedAt: string,
): Record<string, unknown> {
  const { id, name, type, query, message, tags, priority, options, parsed } = monitor
  const shown = groups.filter((group) => states?.some((state) => state === 'all' || STATES[state] === statusOf(group)))
  return {
    id,
    name,
    type,
    query,
    message,
    tags,
    priority,
    options,
    created: startedAt,
    modified: startedAt,
    multi: parsed.by.length > 0,
    overall_state: worstOf(groups),
    ...(states && { state: { groups: Object.fromEntries(shown.map((group) => groupEntry(monitor, group))) } }),
  }
}

function groupEntry(monitor: Monitor, group: GroupState): [name: string, state: Record<string, unknown>] {
  const name = groupTagsOf(monitor, group.group).join(',') || '*'
  const state = {
    name,
    status: statusOf(group),
    last_triggered_ts: inSeconds(group.triggered_at),
    last_notified_ts: inSeconds(group.notified_at),
    last_nodata_ts: null,
    last_resolved_ts: null,
  }
  return [name, state]
}

const inSeconds = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000))

function statusOf({ transition }: GroupState): 'Alert' | 'Warn' | 'No Data' {
  if (transition.endsWith('Triggered')) return 'Alert'
  return transition.endsWith('Warn') ? 'Warn' : 'No Data'
}

/** A monitor has the state of its worst group. */
export function worstOf(groups: readonly GroupState[]): string {
  const states = groups.map(statusOf)
  return (['Alert', 'Warn', 'No Data'] as const).find((state) => states.includes(state)) ?? 'OK'
}
