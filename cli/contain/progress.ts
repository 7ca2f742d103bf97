import { duration, type Io } from 'alertproof/cli'
import type { Item } from '../../ops/contain/act.ts'

const INTERVAL_MS = 1_000

/** Prints progress on stderr each second, and a summary at the end. */
export class Progress {
  readonly #counts: Record<Item['kind'], number> = { done: 0, left: 0, refused: 0, failed: 0 }
  readonly #begun = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #total: number
  readonly #io: Pick<Io, 'err'>

  constructor(total: number, io: Pick<Io, 'err'>) {
    this.#total = total
    this.#io = io
    this.#timer = setInterval(() => io.err(`  ${this.#settled()} of ${total}\n`), INTERVAL_MS)
  }

  add({ kind }: Item): void {
    this.#counts[kind]++
  }

  /** @param unbegun the number of rows that were not begun before the command was stopped */
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
    if (unbegun > 0)
      this.#io.err(`Stopped: ${unbegun} were not begun. Run the same command again to continue with them.\n`)
  }

  get allDone(): boolean {
    return this.#counts.done === this.#total
  }

  #settled(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0)
  }
}
