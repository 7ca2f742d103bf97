import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals'

/** A person reads no faster, and a burst of events becomes one change of the page. */
const FLUSH_MS = 50

const waiting = new Set<() => void>()
let timer: ReturnType<typeof setTimeout> | undefined

/** Runs `task` with the next changes of the collections; the same task only once. */
export function whenFlushed(task: () => void): void {
  waiting.add(task)
  if (timer === undefined) timer = setTimeout(flush, FLUSH_MS)
}

function flush(): void {
  timer = undefined
  const tasks = [...waiting]
  waiting.clear()
  batch(() => {
    for (const task of tasks) task()
  })
}

/** The items of one kind by key, at most `max`: those that come first in the order are kept. */
export class Collection<T> {
  readonly #max: number
  readonly #keyOf: (item: T) => string
  readonly #order: ((a: T, b: T) => number) | undefined
  readonly #byKey = new Map<string, T>()
  readonly #items: Signal<readonly T[]> = signal<readonly T[]>([])
  readonly #publish = () => this.#show()

  /** @param order without it, the order in which the keys were first seen */
  constructor(max: number, keyOf: (item: T) => string, order?: (a: T, b: T) => number) {
    this.#max = max
    this.#keyOf = keyOf
    this.#order = order
  }

  get items(): ReadonlySignal<readonly T[]> {
    return this.#items
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key)
  }

  put(item: T): void {
    this.#byKey.set(this.#keyOf(item), item)
    // Between two changes of the page it may grow to twice its size, never further.
    if (this.#byKey.size > this.#max * 2) this.#trim()
    whenFlushed(this.#publish)
  }

  /** The state as the lab has it now: what it no longer names is gone. */
  replace(items: readonly T[]): void {
    this.#byKey.clear()
    for (const item of items) this.#byKey.set(this.#keyOf(item), item)
    whenFlushed(this.#publish)
  }

  #trim(): T[] {
    const sorted = [...this.#byKey.values()]
    if (this.#order) sorted.sort(this.#order)
    for (const item of sorted.splice(this.#max)) this.#byKey.delete(this.#keyOf(item))
    return sorted
  }

  #show(): void {
    this.#items.value = this.#trim()
  }
}
