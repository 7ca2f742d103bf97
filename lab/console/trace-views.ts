import type { IndexedLog } from 'alertproof'
import type { Alert, SignalReport } from 'alertproof/notify'
import { traceOf } from '../datadog/alerts.ts'
import { jsonIn } from '../datadog/http.ts'
import type { Detector, Group, Trace } from './api.ts'
import { ContainmentsSeen } from './containments-seen.ts'
import type { DeliveryBook } from './delivery-book.ts'
import { type Hub, takeSome } from './hub.ts'
import { SignedCalls } from './signed-calls.ts'
import { type Cycle, type LedgerRow, type Report, stepsOf } from './trace-steps.ts'

const MAX_TRACES = 200
/** A reminder every few minutes would otherwise make a trace without end. */
const MAX_REPORTS = 20
/** Events of a cause may be dated a little after those of its effect, by another host. */
const CLOCKS_APART_MS = 5_000

export interface TraceViewsDeps {
  readonly hub: Hub
  readonly deliveries: DeliveryBook
  /** The rows of the ledger by id, as they were read last. */
  readonly rowOf: (id: string) => LedgerRow | undefined
  /** What decided it, as paths of files. */
  readonly filesOf: (by: Detector, detection: string) => readonly string[]
  readonly queryOf: (by: Detector, detection: string) => string
}

/** Traces of alert cycles: alerts, deliveries, containments, signed calls and refusals, joined when somebody looks. */
export class TraceViews {
  readonly #deps: TraceViewsDeps
  /** The newest cycle comes last. */
  readonly #cycles = new Map<string, Cycle>()
  readonly #changed = new Set<string>()
  readonly #containments = new ContainmentsSeen()
  readonly #calls = new SignedCalls()

  constructor(deps: TraceViewsDeps) {
    this.#deps = deps
    deps.hub.provide('trace', () => {
      const { taken, isMore } = takeSome(this.#changed)
      if (isMore) deps.hub.mark('trace')
      return taken.flatMap((id) => this.#cycles.get(id) ?? []).map((cycle) => this.#view(cycle))
    })
  }

  /** Newest first. @param since epoch ms of the start, inclusive */
  list({ since = 0, limit = MAX_TRACES }: { since?: number; limit?: number } = {}): Trace[] {
    return [...this.#cycles.values()]
      .reverse()
      .filter(({ startedAt }) => startedAt >= since)
      .slice(0, limit)
      .map((cycle) => this.#view(cycle))
  }

  see(log: IndexedLog): void {
    const detection = this.#containments.see(log)
    if (detection !== undefined) this.#growAll(detection)
  }

  noteCall(call: Parameters<SignedCalls['note']>[0]): void {
    const detection = this.#calls.note(call)
    if (detection !== undefined) this.#growAll(detection)
  }

  alert(alert: Alert): void {
    const { monitor, cycle_key, name, group, at } = alert
    this.#add({ by: 'monitor', report: alert }, traceOf(monitor, cycle_key), monitor, name, group, Date.parse(at))
  }

  signal(signal: SignalReport): void {
    const { rule, signal_id, name, group, at } = signal
    this.#add({ by: 'rule', report: signal }, traceOf(rule, signal_id), rule, name, group, Date.parse(at))
  }

  /** Epoch ms of the effect of a containment, from its event. */
  effectOf(id: string): number | undefined {
    return this.#containments.effectOf(id)
  }

  /** Reports that a trace has grown. */
  grow(id: string): void {
    if (!this.#cycles.has(id) || !this.#deps.hub.reads('trace')) return
    this.#changed.add(id)
    this.#deps.hub.mark('trace')
  }

  /** Reports that rows of the ledger have changed. */
  growNewest(): void {
    for (const id of [...this.#cycles.keys()].slice(-20)) this.grow(id)
  }

  #growAll(detection: string): void {
    for (const cycle of this.#cycles.values()) if (cycle.detection === detection) this.grow(cycle.id)
  }

  #add(report: Report, id: string, detection: string, name: string, group: Group, at: number): void {
    const known = this.#cycles.get(id)
    const cycle = known ?? { id, detection, by: report.by, name, group, startedAt: at, reports: [] }
    cycle.reports.push(report)
    // The first one says what caused the cycle.
    if (cycle.reports.length > MAX_REPORTS) cycle.reports.splice(1, 1)
    if (!known) this.#cycles.set(id, cycle)
    const [oldest] = this.#cycles.keys()
    if (this.#cycles.size > MAX_TRACES && oldest !== undefined) {
      this.#cycles.delete(oldest)
      this.#changed.delete(oldest)
    }
    this.grow(id)
  }

  #view(cycle: Cycle): Trace {
    const { id, detection, by, name, group, startedAt } = cycle
    const deliveries = this.#deps.deliveries.of(id)
    const ids = new Set(deliveries.flatMap(({ tries }) => tries.flatMap(({ answer }) => containmentIn(answer) ?? [])))
    const [subject, ...more] = Object.values(group)
    const only = more.length === 0 ? subject : undefined
    const since = startedAt - CLOCKS_APART_MS
    const containments = this.#containments.of(detection, only, ids, since)
    const calls = this.#calls.of(detection, group['@sid'], since)
    const { rowOf, filesOf, queryOf } = this.#deps
    const steps = stepsOf({
      ...{ cycle, deliveries, containments, calls },
      rows: [...new Set([...ids, ...containments.map((each) => each.id)])].flatMap((each) => rowOf(each) ?? []),
      files: filesOf(by, detection),
      query: queryOf(by, detection),
    })
    const closed = containments.some(({ refused }) => refused !== undefined)
    return { id, detection, by, name, group, started_at: startedAt, steps, closed }
  }
}

/** The id that functions answers to a webhook. */
function containmentIn(answer: string): string | undefined {
  const json = jsonIn(answer)
  const isNamed = typeof json === 'object' && json !== null && 'containment_id' in json
  return isNamed && typeof json.containment_id === 'string' ? json.containment_id : undefined
}
