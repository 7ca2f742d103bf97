import { effect, signal } from '@preact/signals'
import type { Found } from '../../../api.ts'
import { getJson } from '../../http.ts'
import { route } from '../../route.ts'
import { objectIn, termOf } from '../events/terms.ts'
import { isAbort, messageOf } from '../kit/format.ts'
import { type BrowserSession, type Report, sessionsOf } from './reports.ts'

const MOST_REPORTS = 5_000
const MOST_EVENTS = 500
/** The SDK of a page sends every thirty seconds and when the page is left, so nothing is missed in between. */
const POLL_MS = 3_000

/** Newest first; undefined before the first answer. */
export const reports = signal<readonly Report[] | undefined>(undefined)
export const sessions = signal<readonly BrowserSession[]>([])
/** The lines that the hosts logged of the shown session, newest first. */
export const logged = signal<Found['rows']>([])
export const fault = signal<string | undefined>(undefined)

/** The one of the page's address, else the newest. */
export const shownSession = (): BrowserSession | undefined =>
  sessions.value.find(({ id }) => id === route.value.query.session) ?? sessions.value[0]

/** Reads while the view is on the page. @returns the end of it */
export function watchRum(): () => void {
  const end = new AbortController()
  const read = () => void readAll(end.signal)
  const timer = setInterval(read, POLL_MS)
  const unfollow = effect(() => {
    void route.value
    read()
  })
  return () => {
    clearInterval(timer)
    unfollow()
    end.abort()
  }
}

async function readAll(signal: AbortSignal): Promise<void> {
  try {
    const answer = await getJson<{ events: Report[] }>(`/lab/rum?limit=${MOST_REPORTS}`, signal)
    reports.value = answer.events
    sessions.value = sessionsOf(answer.events)
    const shown = shownSession()
    logged.value = shown ? await eventsOf(shown.id, signal) : []
    fault.value = undefined
  } catch (error) {
    if (!isAbort(error)) fault.value = messageOf(error)
  }
}

/** What names the browser's session (sign-ins), and then what names the sessions that those opened. */
async function eventsOf(id: string, signal: AbortSignal): Promise<Found['rows']> {
  const signIns = await find(termOf('@rum_session_id', id), signal)
  const sids = new Set(signIns.flatMap(({ line }) => sidIn(line) ?? []))
  const more = sids.size === 0 ? [] : await find(`@sid:(${[...sids].map((sid) => `"${sid}"`).join(' OR ')})`, signal)
  const all = new Map([...more, ...signIns].map((row) => [row.line, row]))
  return [...all.values()].sort((a, b) => b.at - a.at)
}

async function find(query: string, signal: AbortSignal): Promise<Found['rows']> {
  const parameters = new URLSearchParams({ query, limit: String(MOST_EVENTS) })
  return (await getJson<Found>(`/lab/search?${parameters}`, signal)).rows
}

function sidIn(line: string): string | undefined {
  const sid = objectIn(line)?.sid
  return typeof sid === 'string' ? sid : undefined
}
