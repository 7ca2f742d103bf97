import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type {
  AttackRun,
  AttackView,
  ConsoleInfo,
  DeliveryView,
  LogTail,
  MonitorView,
  SessionView,
  Trace,
  ValuesSent,
} from '../api.ts'
import { announce, notify } from './announce.tsx'
import { Collection, whenFlushed } from './collection.ts'
import { getJson } from './http.ts'
import { onEvent, onOpen, type StreamState, startStream, streamEvents, streamState } from './stream.ts'

export { onEvent } from './stream.ts'

const info = signal<ConsoleInfo>()
const logs = signal<LogTail>()
const dropNext = signal(0)
const containmentsChanged = signal(0)
const attacks = signal<readonly AttackView[]>([])
/** Whether the first snapshots have been read; before that, an empty list may be a list that was not read. */
const loaded = signal(false)

const traces = new Collection<Trace>(
  200,
  (trace) => trace.id,
  (a, b) => alertedAt(b) - alertedAt(a),
)
const monitors = new Collection<MonitorView>(500, (monitor) => monitorKey(monitor))
const sessions = new Collection<SessionView>(
  500,
  (session) => session.sid,
  (a, b) => b.started_at - a.started_at,
)
const deliveries = new Collection<DeliveryView>(
  200,
  (delivery) => String(delivery.id),
  (a, b) => b.id - a.id,
)
const attackRuns = new Collection<AttackRun>(
  50,
  (run) => run.id,
  (a, b) => b.started_at - a.started_at,
)

/** A cycle is as new as its alert, however old what it counted. */
const alertedAt = ({ steps, started_at }: Trace): number =>
  steps.find(({ name }) => name === 'transition')?.at ?? started_at

/** A detection may be a monitor and a rule. */
export const monitorKey = ({ detection, by }: { detection: string; by: string }): string => `${by}:${detection}`

/** What the lab has sent so far: bounded, the newest first, changed at most 20 times a second. */
export const live: {
  readonly info: Signal<ConsoleInfo | undefined>
  readonly connection: ReadonlySignal<StreamState>
  readonly loaded: ReadonlySignal<boolean>
  readonly logs: ReadonlySignal<LogTail | undefined>
  readonly traces: ReadonlySignal<readonly Trace[]>
  readonly monitors: ReadonlySignal<readonly MonitorView[]>
  readonly sessions: ReadonlySignal<readonly SessionView[]>
  readonly deliveries: ReadonlySignal<readonly DeliveryView[]>
  readonly dropNext: Signal<number>
  readonly attacks: ReadonlySignal<readonly AttackView[]>
  readonly attackRuns: ReadonlySignal<readonly AttackRun[]>
  readonly containmentsChanged: ReadonlySignal<number>
} = {
  info,
  connection: streamState,
  loaded,
  logs,
  traces: traces.items,
  monitors: monitors.items,
  sessions: sessions.items,
  deliveries: deliveries.items,
  dropNext,
  attacks,
  attackRuns: attackRuns.items,
  containmentsChanged,
}

/** Puts an item that an answer gave beside those of the stream. */
export const putAttackRun = (run: AttackRun): void => attackRuns.put(run)

const reported = new Set<string>()

/** A run is still sent after its error. */
function reportOnce(key: string, text: string): void {
  if (reported.has(key)) return
  reported.add(key)
  notify(text, 'danger')
}

export function startLive(): void {
  onEvent<Trace>('trace', (trace) => traces.put(trace))
  onEvent<ValuesSent>('values', (sent) => {
    if (sent.all) monitors.replace(sent.monitors)
    else for (const monitor of sent.monitors) monitors.put(monitor)
  })
  onEvent<SessionView>('session', (session) => {
    const known = sessions.get(session.sid)
    sessions.put(session)
    if (known?.ended_at === null && session.ended_at !== null) announce(`The session of ${session.user} has ended.`)
  })
  onEvent<DeliveryView>('delivered', (delivery) => deliveries.put(delivery))
  onEvent<AttackRun>('attack', (run) => {
    attackRuns.put(run)
    if (run.error !== null && run.error !== 'stopped') reportOnce(`${run.id} failed`, `${run.slug}: ${run.error}`)
  })
  onEvent<LogTail>('logs', (sent) => {
    logs.value = sent
  })
  onEvent('containments', () => {
    containmentsChanged.value++
  })
  onOpen(() => void readSnapshots())
  startStream(`/lab/stream?events=${streamEvents().join(',')}`)
}

/** Each of them alone: what one part of the lab cannot answer must not hide the rest. */
async function readSnapshots(): Promise<void> {
  await snapshot<ConsoleInfo>('/lab/console', (sent) => {
    info.value = sent
  })
  const can = info.value?.can ?? []
  await Promise.all([
    snapshot<{ traces: Trace[] }>('/lab/traces?limit=200', (sent) => traces.replace(sent.traces)),
    snapshot<{ monitors: MonitorView[] }>('/lab/values', (sent) => monitors.replace(sent.monitors)),
    snapshot<{ sessions: SessionView[] }>('/lab/sessions', (sent) => sessions.replace(sent.sessions)),
    snapshot<{ deliveries: DeliveryView[]; drop_next: number }>('/lab/deliveries', (sent) => {
      deliveries.replace(sent.deliveries)
      dropNext.value = sent.drop_next
    }),
    can.includes('attacks') &&
      snapshot<{ attacks: AttackView[]; running: AttackRun[] }>('/lab/attacks', (sent) => {
        attacks.value = sent.attacks
        attackRuns.replace(sent.running)
      }),
  ])
  batch(() => {
    containmentsChanged.value++
    whenFlushed(() => {
      loaded.value = true
    })
  })
}

async function snapshot<T>(path: string, take: (sent: T) => void): Promise<void> {
  try {
    take(await getJson<T>(path))
  } catch (error) {
    console.warn(`${path} was not answered: ${error instanceof Error ? error.message : error}`)
  }
}
