import { type ReadonlySignal, signal } from '@preact/signals'

export type StreamState = 'connecting' | 'live' | 'lost'

const state = signal<StreamState>('connecting')
export const streamState: ReadonlySignal<StreamState> = state

type Listener = (data: unknown) => void
const listeners = new Map<string, Set<Listener>>()
const openListeners = new Set<() => void>()
let source: EventSource | undefined

const RETRY_MS = 2000

/** Calls `listener` with the data of each server-sent event of this name. @returns what ends it */
export function onEvent<T>(name: string, listener: (data: T) => void): () => void {
  const known = listeners.get(name)
  const all = known ?? new Set<Listener>()
  if (!known) {
    listeners.set(name, all)
    source?.addEventListener(name, dispatch)
  }
  const heard: Listener = (data) => listener(data as T)
  all.add(heard)
  return () => all.delete(heard)
}

/** The names of the events that somebody listens to. */
export const streamEvents = (): string[] => [...listeners.keys()]

/** Calls `listener` each time the stream is open, the first time and after each loss. */
export function onOpen(listener: () => void): void {
  openListeners.add(listener)
}

/** Opens the one stream of the page, and opens it again whenever it ends. */
export function startStream(path: string): void {
  const opened = new EventSource(path)
  source = opened
  opened.addEventListener('open', () => {
    state.value = 'live'
    for (const listener of openListeners) listener()
  })
  opened.addEventListener('error', () => {
    state.value = 'lost'
    // The browser itself tries again after a lost connection, but not after an answer such as 503.
    if (opened.readyState !== EventSource.CLOSED) return
    setTimeout(() => startStream(path), RETRY_MS)
  })
  for (const name of listeners.keys()) opened.addEventListener(name, dispatch)
}

function dispatch({ type, data }: MessageEvent<string>): void {
  const parsed: unknown = JSON.parse(data)
  for (const listener of listeners.get(type) ?? []) listener(parsed)
}
