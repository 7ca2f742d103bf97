import type { Item } from '../../ops/contain/act.ts'
import type { Io } from '../command.ts'
import { duration } from '../output.ts'

const EVERY_MS = 1_000

/** Says on stderr how far it is, for whatever takes longer than a second; and at the end what came of it. */
export class Progress {
  readonly #counts: Record<Item['kind'], number> = { done: 0, left: 0, refused: 0, failed: 0 }
  readonly #begun = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #total: number
  readonly #io: Pick<Io, 'err'>

  constructor(total: number, io: Pick<Io, 'err'>) {
    this.#total = total
    this.#io = io
    this.#timer = setInterval(() => io.err(`  ${this.#settled()} of ${total}\n`), EVERY_MS)
  }

  add({ kind }: Item): void {
    this.#counts[kind]++
  }

  /** @param unbegun rows that were left out, because somebody stopped it */
  end(unbegun: number): void {
    clearInterval(this.#timer)
    const { done, left, refused, failed } = this.#counts
    const parts = [
      `${done} of ${this.#total} done`,
      ...(left > 0 ? [`${left} left to the sweeper`] : []),
      ...(refused > 0 ? [`${refused} not possible`] : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
    ]
    this.#io.err(`${parts.join(', ')} in ${duration(performance.now() - this.#begun)}.\n`)
    if (unbegun > 0) this.#io.err(`Stopped: ${unbegun} were not begun. The same command goes on with them.\n`)
  }

  get allDone(): boolean {
    return this.#counts.done === this.#total
  }

  #settled(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0)
  }
}
