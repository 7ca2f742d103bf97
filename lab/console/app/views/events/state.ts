import { computed, effect, signal } from '@preact/signals'
import type { Found } from '../../../api.ts'
import { announce } from '../../announce.tsx'
import { getJson } from '../../http.ts'
import { onEvent, live as store } from '../../live.ts'
import { go, hrefOf, route } from '../../route.ts'
import { counted, isAbort, messageOf } from '../kit/format.ts'
import { type Asked, askedIn, isOpenEnded, NOTHING_ASKED, queryOf, searchOf } from './ranges.ts'

const PAGE_ROWS = 50
const MOST_ROWS = 1_000
/** A search may take this share of the time, so that a flood of events leaves time for their evaluation. */
const SHARE = 10
const LEAST_PAUSE_MS = 500
/** Above this rate nobody can read the rows, so they change more slowly. */
const FLOOD_PER_SECOND = 100
const FLOOD_PAUSE_MS = 2_000
/** Rows stay while somebody types. */
const TYPING_MS = 600

export const asked = signal<Asked>(NOTHING_ASKED)
export const found = signal<Found | undefined>(undefined)
export const fault = signal<string | undefined>(undefined)
/** Whether new events are shown as they arrive. */
export const live = signal(true)
const limit = signal(PAGE_ROWS)
export const open = signal<string | undefined>(undefined)
/** The rows must not move under the pointer, nor under the focus of a keyboard. */
export const isPointedAt = signal(false)
export const isFocused = signal(false)
export const isHeld = computed(() => open.value !== undefined || isPointedAt.value || isFocused.value)

let running: AbortController | undefined
let timer: ReturnType<typeof setTimeout> | undefined
let isStale = false
let isAsked = false
let typedAt = Number.NEGATIVE_INFINITY

export const noteTyping = (): void => {
  typedAt = performance.now()
}

/** Searches while the view is on the page. @returns the end of it */
export function watchEvents(): () => void {
  const unfollow = effect(() => {
    const { name, query } = route.value
    if (name === 'events') asked.value = askedIn(query)
  })
  const unsearch = effect(() => {
    void asked.value
    void limit.value
    search()
  })
  const refreshIfIdle = () => {
    if (timer === undefined && running === undefined) refresh()
  }
  const unlisten = onEvent('logs', () => {
    isStale = true
    refreshIfIdle()
  })
  const unhold = effect(() => {
    if (live.value && !isHeld.value) refreshIfIdle()
  })
  return () => {
    unfollow()
    unsearch()
    unlisten()
    unhold()
    isPointedAt.value = isFocused.value = false
    running?.abort()
    clearTimeout(timer)
    running = timer = undefined
  }
}

/** Asks anew; the address of the page holds the question. */
export function ask(change: Partial<Asked>): void {
  limit.value = PAGE_ROWS
  open.value = undefined
  isAsked = true
  const query = queryOf({ ...asked.value, ...change })
  // The same question does not change the address, so it is searched again here.
  if (location.hash === hrefOf('events', query)) search()
  else go('events', query)
}

/** Does nothing while rows are being read. */
function refresh(): void {
  if (!live.peek() || !isStale || isHeld.peek() || !isOpenEnded(asked.peek())) return
  const typing = typedAt + TYPING_MS - performance.now()
  if (typing > 0) later(typing)
  else search()
}

function later(ms: number): void {
  timer = setTimeout(() => {
    timer = undefined
    refresh()
  }, ms)
}

function search(): void {
  running?.abort()
  clearTimeout(timer)
  timer = undefined
  const own = new AbortController()
  running = own
  isStale = false
  void answer(own.signal).finally(() => {
    if (running === own) running = undefined
  })
}

async function answer(signal: AbortSignal): Promise<void> {
  const began = performance.now()
  try {
    const parameters = searchOf(asked.peek(), limit.peek(), Date.now())
    found.value = await getJson<Found>(`/lab/search?${parameters}`, signal)
    fault.value = undefined
    if (isAsked) announce(`${counted(found.value.matched, 'event')} found`)
    isAsked = false
  } catch (error) {
    if (isAbort(error)) return
    fault.value = messageOf(error)
  }
  const isFlood = (store.logs.peek()?.per_second ?? 0) > FLOOD_PER_SECOND
  later(Math.max(isFlood ? FLOOD_PAUSE_MS : LEAST_PAUSE_MS, SHARE * (performance.now() - began)))
}

export const canShowMore = (): boolean =>
  limit.value < MOST_ROWS && (found.value?.matched ?? 0) > (found.value?.rows.length ?? 0)
export const showMore = (): void => {
  limit.value = Math.min(MOST_ROWS, limit.value * 2)
}
