/** The events of the console's stream. */
export const CONSOLE_EVENTS = ['trace', 'values', 'session', 'containments', 'attack', 'delivered', 'logs'] as const
export type ConsoleEvent = (typeof CONSOLE_EVENTS)[number]

/** Receives the text of one server-sent event. */
export type Write = (text: string) => void

/** At most four times a second. */
const EVERY_MS = 250

interface Reader {
  readonly events: ReadonlySet<string>
  readonly write: Write
}

/** Makes the data of the events that are due. @returns one entry for each event */
type Source = () => readonly object[]

/** Of one kind, in one sending; the rest follows with the next. */
const MAX_AT_ONCE = 50

/** Takes the oldest keys out of a set of changes. @returns them, at most 50, and whether others are left */
export function takeSome<T>(changed: Set<T>): { readonly taken: readonly T[]; readonly isMore: boolean } {
  const taken: T[] = []
  for (const each of changed) {
    if (taken.length === MAX_AT_ONCE) break
    taken.push(each)
    changed.delete(each)
  }
  return { taken, isMore: changed.size > 0 }
}

/**
 * Sends changes to the readers of the stream: together, at most four times a second, and made into text once for all of them. While
 * nobody reads an event, nothing is collected for it.
 */
export class Hub {
  readonly #readers = new Set<Reader>()
  readonly #sources = new Map<ConsoleEvent, Source>()
  readonly #due = new Set<ConsoleEvent>()
  #timer: NodeJS.Timeout | undefined

  /** @param source called when the event is due and somebody reads it */
  provide(event: ConsoleEvent, source: Source): void {
    this.#sources.set(event, source)
  }

  /** Whether somebody reads an event. */
  reads(event: ConsoleEvent): boolean {
    for (const { events } of this.#readers) if (events.has(event)) return true
    return false
  }

  /** Reports that an event is due. */
  mark(event: ConsoleEvent): void {
    if (this.#readers.size === 0 || this.#due.has(event) || !this.reads(event)) return
    this.#due.add(event)
    this.#timer ??= setTimeout(() => this.#send(), EVERY_MS)
  }

  /** @returns a function that ends the reading */
  read(events: ReadonlySet<string>, write: Write): () => void {
    const reader = { events, write }
    this.#readers.add(reader)
    return () => this.#readers.delete(reader)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#readers.clear()
  }

  #send(): void {
    this.#timer = undefined
    const due = [...this.#due]
    this.#due.clear()
    for (const event of due) {
      const readers = [...this.#readers].filter(({ events }) => events.has(event))
      if (readers.length === 0) continue
      for (const data of this.#sources.get(event)?.() ?? []) {
        const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
        for (const { write } of readers) write(text)
      }
    }
  }
}
