/** Points of one quarter of a second are drawn as one. */
const APART_MS = 250
export const MAX_POINTS = 120

/** The values of one group over time: bounded, thinned where they are old, and whole at each change of state. */
export class Series<State extends string> {
  state: State
  /** NaN while it does not exist. */
  value = Number.NaN
  #times: number[] = []
  #values: number[] = []
  /** Whether a point changed the state, so that it is kept. */
  #kept: boolean[] = []

  constructor(state: State) {
    this.state = state
  }

  /** Epoch ms of the newest point. */
  get lastAt(): number {
    return this.#times.at(-1) ?? Number.NEGATIVE_INFINITY
  }

  get hasValue(): boolean {
    return !Number.isNaN(this.value)
  }

  add(at: number, value: number, state: State): void {
    const isKept = state !== this.state
    const last = this.#times.length - 1
    const isSameTime = Math.floor(at / APART_MS) === Math.floor(this.lastAt / APART_MS)
    this.state = state
    this.value = value
    if (isSameTime && !isKept && !this.#kept[last]) {
      this.#times[last] = at
      this.#values[last] = value
      return
    }
    this.#times.push(at)
    this.#values.push(value)
    this.#kept.push(isKept)
    if (this.#times.length > MAX_POINTS) this.#thin()
  }

  /** Oldest first. */
  points(): (readonly [number, number | null])[] {
    return this.#times.map((at, i) => {
      const value = this.#values[i] ?? Number.NaN
      return [at, Number.isNaN(value) ? null : value]
    })
  }

  /** Leaves out every other point of the older three quarters; among the kept ones the oldest goes first. */
  #thin(): void {
    const old = Math.floor(MAX_POINTS * 0.75)
    let keeps = this.#times.map((_, i) => i >= old || i % 2 === 0 || this.#kept[i] === true)
    if (keeps.every(Boolean)) keeps = keeps.map((_, i) => i > 0)
    this.#times = this.#times.filter((_, i) => keeps[i])
    this.#values = this.#values.filter((_, i) => keeps[i])
    this.#kept = this.#kept.filter((_, i) => keeps[i])
  }
}
