import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Monitor } from 'alertproof'
import { groupTagsOf } from 'alertproof/notify'
import type { AlertBook, GroupState } from './alerts.ts'
import { sendJson } from './http.ts'

export interface MonitorApiDeps {
  isKey(presented: string): boolean
  isAppKey(presented: string): boolean
  monitors: readonly Monitor[]
  alerts: AlertBook
}

/** Without a page every monitor is listed; with one, so many. @see Datadog API reference, Get all monitors */
const PAGE_SIZE = 100
const PAGE_SIZE_MOST = 1000

const STATES = { alert: 'Alert', warn: 'Warn', 'no data': 'No Data' } as const
type Asked = keyof typeof STATES | 'all'

const PARAMETERS = ['group_states', 'name', 'monitor_tags', 'with_downtimes', 'id_offset', 'page', 'page_size']

/**
 * `GET /api/v1/monitor` as Datadog documents it: every monitor, its groups below `state.groups` when `group_states` asks for
 * them. Of groups only those are known that are not OK; scope tags and downtimes do not exist here.
 */
export function monitorListHandler({ isKey, isAppKey, monitors, alerts }: MonitorApiDeps) {
  const startedAt = new Date().toISOString()
  return (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => {
    const { 'dd-api-key': apiKey, 'dd-application-key': appKey } = request.headers
    if (typeof apiKey !== 'string') return refuse(response, 401, 'Unauthorized')
    if (typeof appKey !== 'string' || !isKey(apiKey) || !isAppKey(appKey)) return refuse(response, 403, 'Forbidden')
    const asked = readQuery(query)
    if ('fault' in asked) return refuse(response, 400, asked.fault)
    const wanted = [...monitors].sort((a, b) => a.id - b.id).filter(asked.matches)
    const page =
      asked.page === undefined ? wanted : wanted.slice(asked.page * asked.size, (asked.page + 1) * asked.size)
    const listed = page.map((monitor) => monitorOf(monitor, alerts.groups(monitor.slug), asked.states, startedAt))
    return sendJson(response, 200, listed)
  }
}

/** Version 1 of the API says what is wrong in plain texts. */
const refuse = (response: ServerResponse, status: number, error: string) =>
  sendJson(response, status, { errors: [error] })

interface ListQuery {
  readonly states: readonly Asked[] | undefined
  readonly page: number | undefined
  readonly size: number
  matches(monitor: Monitor): boolean
}

function readQuery(query: URLSearchParams): ListQuery | { fault: string } {
  const other = [...query.keys()].find((name) => !PARAMETERS.includes(name))
  if (other !== undefined) return { fault: `the parameter ${other} is not known here` }
  const states = query
    .get('group_states')
    ?.split(',')
    .map((state) => state.trim())
  const unknown = states?.find((state) => state !== 'all' && !Object.hasOwn(STATES, state))
  if (unknown !== undefined) return { fault: `group_states: ${unknown} is none of all, alert, warn, no data` }
  const numbers = new Map<string, number>()
  for (const name of ['id_offset', 'page', 'page_size']) {
    const text = query.get(name)
    if (text === null) continue
    if (!/^\d{1,15}$/.test(text)) return { fault: `${name} is not a whole number` }
    numbers.set(name, Number(text))
  }
  const size = numbers.get('page_size') ?? PAGE_SIZE
  if (size < 1 || size > PAGE_SIZE_MOST) return { fault: `page_size is not from 1 to ${PAGE_SIZE_MOST}` }
  const name = query.get('name') ?? ''
  const tags = (query.get('monitor_tags') ?? '').split(',').filter(Boolean)
  return {
    states: states as Asked[] | undefined,
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
  states: readonly Asked[] | undefined,
  startedAt: string,
): Record<string, unknown> {
  const { id, name, type, query, message, tags, priority, options, parsed } = monitor
  const shown = groups.filter((group) => states?.some((state) => state === 'all' || STATES[state] === statusOf(group)))
  return {
    ...{ id, name, type, query, message, tags, priority, options, created: startedAt, modified: startedAt },
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

/** A monitor is as bad as its worst group. */
export function worstOf(groups: readonly GroupState[]): string {
  const states = groups.map(statusOf)
  return (['Alert', 'Warn', 'No Data'] as const).find((state) => states.includes(state)) ?? 'OK'
}
