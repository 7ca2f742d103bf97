import { changeOf, changeOfSignal } from '../api.ts'
import { Triggers } from '../estate/index.ts'
import type { Transition } from '../index.ts'
import { Spill } from '../logs/index.ts'
import type { ReplaySummary, ReplayVisitor } from '../replay/index.ts'
import type { SignalChange } from '../siem/index.ts'
import type { Io } from './command.ts'
import type { ReplayDrawing } from './html/replay-drawing.ts'
import { counted, fitted, printable } from './output.ts'
import { groupText } from './replay-report.ts'

const MAX_REPORTED = 5

/** Prints changes: each at once, or all of them at the end, when it is known that the logs need not be sorted. */
export class ChangePrinter implements ReplayVisitor {
  alerts = 0
  triggers = new Triggers()
  readonly #io: Io
  readonly #asJson: boolean
  readonly #isDirect: boolean
  readonly #slugWidth: number
  readonly #progress: Progress
  readonly #drawing: ReplayDrawing | undefined
  readonly #held = new Spill()
  #faults: string[] = []
  #reported = 0

  constructor(
    slugs: readonly string[],
    io: Io,
    asJson: boolean,
    isDirect: boolean,
    drawing: ReplayDrawing | undefined,
  ) {
    this.#drawing = drawing
    this.#io = io
    this.#asJson = asJson
    this.#isDirect = isDirect
    this.#slugWidth = Math.max(...slugs.map((slug) => printable(slug).length))
    this.#progress = new Progress(io)
  }

  transition(transition: Transition): void {
    if (transition.transition === 'Triggered') this.alerts++
    this.triggers.add(transition)
    this.#drawing?.changes.add(transition.monitor, transition)
    this.#print(this.#asJson ? JSON.stringify(changeOf(transition)) : this.#fitted(row(transition, this.#slugWidth)))
  }

  signal(change: SignalChange): void {
    if (change.transition === 'Triggered') this.alerts++
    this.triggers.addSignal(change)
    this.#drawing?.changes.add(change.rule, change)
    const text = `${row({ ...change, monitor: change.rule }, this.#slugWidth)}  ${change.severity}`
    this.#print(this.#asJson ? JSON.stringify(changeOfSignal(change)) : this.#fitted(text))
  }

  #fitted = (text: string): string => fitted(text, this.#io.width)

  #print(text: string): void {
    if (!this.#isDirect) {
      this.#held.append(Buffer.from(`${text}\n`))
      return
    }
    this.#progress.clear()
    this.#io.out(`${text}\n`)
  }

  malformed(place: string, reason: string): void {
    if (this.#reported++ < MAX_REPORTED) this.#faults.push(`${this.#fitted(printable(`${place} ${reason}`))}\n`)
    if (this.#isDirect) this.#tellFaults()
  }

  progress(soFar: ReplaySummary): void {
    this.#progress.show(soFar)
  }

  /** Forgets everything. */
  clear(): void {
    this.alerts = 0
    this.triggers = new Triggers()
    this.#drawing?.clear()
    this.#held.clear()
    this.#faults = []
    this.#reported = 0
  }

  /** Prints what is held. */
  async flush(): Promise<void> {
    this.#progress.clear()
    this.#tellFaults()
    for (const bytes of this.#held.read()) {
      if (this.#io.write) await this.#io.write(bytes)
      else this.#io.out(bytes.toString())
    }
    this.#held.clear()
  }

  #tellFaults(): void {
    if (this.#faults.length === 0) return
    this.#progress.clear()
    this.#io.err(this.#faults.join(''))
    this.#faults = []
  }
}

/** What a line shows of a change of a monitor or a rule. */
type Row = Pick<Transition, 'group' | 'at' | 'value'> & {
  readonly monitor: { readonly slug: string }
  readonly transition: string
}

function row({ monitor, transition, group, at, value }: Row, slugWidth: number): string {
  const cells = [
    new Date(at).toISOString(),
    transition.padEnd(12),
    printable(monitor.slug).padEnd(slugWidth),
    String(value).padStart(6),
  ]
  return [...cells, groupText(group)].join('  ')
}

/** Shows the progress of a long run, on a terminal only. */
class Progress {
  readonly #io: Io
  #shownAt = Date.now()
  #isShown = false

  constructor(io: Io) {
    this.#io = io
  }

  show({ events, bytes, newest }: ReplaySummary): void {
    const now = Date.now()
    if (!process.stderr.isTTY || now - this.#shownAt < 500) return
    this.#shownAt = now
    this.#isShown = true
    const reached = Number.isFinite(newest) ? `, at ${new Date(newest).toISOString()}` : ''
    const megabytes = (bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 0 })
    this.#io.err(`\r\u001b[K${counted(events, 'event')}, ${megabytes} MB${reached}`)
  }

  clear(): void {
    if (this.#isShown) this.#io.err('\r\u001b[K')
    this.#isShown = false
  }
}
