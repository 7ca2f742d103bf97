import type { Group } from './windows.ts'

interface Silence {
  readonly group: Group
  readonly since: number
  readonly due: number
}

/** Groups whose window is empty, in the order in which what follows from that is due: all wait equally long. */
export class Silences {
  private readonly lastsMs: number
  private waiting: Silence[] = []
  private head = 0

  constructor(lastsMs: number) {
    this.lastsMs = lastsMs
  }

  /** @param at now: never before that of the group added last */
  add(group: Group, at: number): void {
    if (Number.isFinite(this.lastsMs)) this.put(group, group.emptySince, at + this.lastsMs)
  }

  put(group: Group, since: number, due: number): void {
    this.waiting.push({ group, since, due })
  }

  /** Epoch ms; Infinity while nobody waits. */
  get due(): number {
    for (let first = this.waiting[this.head]; first; first = this.waiting[++this.head]) {
      if (isSilent(first)) return first.due
    }
    this.waiting = []
    this.head = 0
    return Number.POSITIVE_INFINITY
  }

  /** @returns a group that is due by `at` and has been silent all the time; it waits no more */
  take(at: number): Group | undefined {
    if (this.due > at) return undefined
    const first = this.waiting[this.head++] as Silence
    if (this.head > 1024 && this.head * 2 > this.waiting.length) {
      this.waiting = this.waiting.slice(this.head)
      this.head = 0
    }
    return first.group
  }

  *[Symbol.iterator](): Iterator<Silence> {
    for (const silence of this.waiting.slice(this.head)) if (isSilent(silence)) yield silence
  }
}

const isSilent = ({ group, since }: Silence): boolean => group.emptySince === since && !group.forgotten
