import type { IndexedLog } from 'alertproof'
import type { Alert, SignalReport } from 'alertproof/notify'
import type { DeliveryView, Detector, Effect, Group, StepName, TraceStep } from './api.ts'
import type { ContainmentSeen } from './containments-seen.ts'
import { POLICY_FILE, WEBHOOK_FILES } from './files.ts'
import { headlineOf, lineOf, sentenceOf, textIn } from './log-text.ts'
import { isAccepted, type SignedCall } from './signed-calls.ts'

export type Report =
  | { readonly by: 'monitor'; readonly report: Alert }
  | { readonly by: 'rule'; readonly report: SignalReport }

/** One alert cycle, with what is known of it. */
export interface Cycle {
  readonly id: string
  readonly detection: string
  readonly by: Detector
  readonly name: string
  readonly group: Group
  readonly startedAt: number
  readonly reports: Report[]
}

/** A row of the ledger of containments, as text and with what its step shows. */
export interface LedgerRow {
  readonly id: string
  readonly title: string
  /** Epoch ms. */
  readonly createdAt: number
  readonly changedAt: number
  readonly text: string
  readonly effect: Effect
}

export interface Joined {
  readonly cycle: Cycle
  readonly deliveries: readonly DeliveryView[]
  readonly containments: readonly ContainmentSeen[]
  readonly calls: readonly SignedCall[]
  readonly rows: readonly LedgerRow[]
  readonly files: readonly string[]
  readonly query: string
}

const ORDER: readonly StepName[] = ['counted', 'value', 'transition', 'delivery', 'containment', 'call', 'refused']

/** The steps in the order of time; what is of one instant, in the order of causes. */
export function stepsOf(joined: Joined): TraceStep[] {
  const { cycle, deliveries, calls, files, query } = joined
  const steps = [
    ...countedSteps(cycle),
    ...cycle.reports.flatMap((report) => reportSteps(report, files, query)),
    ...deliveries.map(deliveryStep),
    ...containmentSteps(joined),
    ...calls.map(callStep),
    ...joined.containments.flatMap((containment) => refusedSteps(containment, files)),
  ]
  return steps.sort((a, b) => a.at - b.at || ORDER.indexOf(a.name) - ORDER.indexOf(b.name))
}

/** Each log of the sample of the first report. */
function countedSteps({ reports }: Cycle): TraceStep[] {
  const [first] = reports
  // The sample has the newest first, also of those of one instant.
  const sample = [...(first?.report.sample ?? [])].reverse().sort((a, b) => a.timestamp - b.timestamp)
  return sample.map((log) => ({
    ...{ name: 'counted', at: log.timestamp, title: sentenceOf(log) },
    raw: [{ label: 'event', text: lineOf(log) }],
    files: [],
  }))
}

/** What was measured, and what was notified of it. */
function reportSteps(each: Report, files: readonly string[], query: string): TraceStep[] {
  const { report } = each
  const { transition, title, message, notified_at, value } = report
  const measured =
    each.by === 'monitor' ? each.report.measured : `${each.report.case || each.report.severity}: ${value}`
  const detail = each.by === 'monitor' ? each.report.scope : `severity ${each.report.severity}`
  return [
    {
      ...{ name: 'value', at: Date.parse(report.at), title: measured, files },
      raw: [{ label: 'query', text: query }],
    },
    {
      ...{ name: 'transition', at: notified_at, title: `${transition}: ${detail}`, files },
      raw: [
        { label: 'title', text: title },
        { label: 'message', text: message },
      ],
    },
  ]
}

function deliveryStep({ webhook, state, again, queued_at, payload, tries, by }: DeliveryView): TraceStep {
  const [first, last] = [tries[0], tries.at(-1)]
  const outcome = last?.status ?? (state === 'failed' ? 'no answer' : state)
  const count = tries.length > 1 ? ` after ${tries.length} tries` : ''
  return {
    name: 'delivery',
    at: first?.at ?? queued_at,
    ...(first && last && { ms: last.at + last.ms - first.at }),
    title: `@webhook-${webhook}: ${outcome}${count}${again ? ', sent from the console' : ''}`,
    raw: [
      { label: 'payload', text: payload },
      ...tries.map(({ status, answer }, i) => ({
        label: tries.length > 1 ? `answer ${i + 1}` : 'answer',
        text: status === null ? answer : `${status}\n${answer}`,
      })),
    ],
    files: [WEBHOOK_FILES[by]],
  }
}

/** One step for each row of the ledger, or for each event where no ledger is read. */
function containmentSteps({ rows, containments, files }: Joined): TraceStep[] {
  const decided = [POLICY_FILE, ...files.filter((file) => file.startsWith('runbooks/'))]
  const ofRows = rows.map((row): TraceStep => {
    const events = containments.filter(({ id }) => id === row.id)
    return {
      ...{ name: 'containment', at: row.createdAt, ms: Math.max(0, row.changedAt - row.createdAt), title: row.title },
      raw: [{ label: 'row of the ledger', text: row.text }, ...events.map(eventText)],
      files: decided,
      effect: row.effect,
    }
  })
  const known = new Set(rows.map(({ id }) => id))
  const others = containments.filter(({ id }) => !known.has(id))
  return [
    ...ofRows,
    ...others.map((seen): TraceStep => {
      const via = textIn(seen.event.attributes, 'via')
      const title = `${headlineOf(seen.event)}${via ? `, ${via}` : ''}`
      return {
        ...{ name: 'containment', at: seen.event.timestamp, title },
        raw: [eventText(seen)],
        files: decided,
        effect: effectOf(seen.event),
      }
    }),
  ]
}

const EFFECTS: Readonly<Record<string, Effect>> = {
  success: 'done',
  noop: 'done',
  observed: 'observed',
  fail: 'failed',
  undone: 'undone',
}

function effectOf({ attributes: { action, outcome } }: IndexedLog): Effect {
  const effect = EFFECTS[String(outcome)] ?? 'none'
  return effect === 'done' && action === 'notify' ? 'notified' : effect
}

const eventText = ({ event }: ContainmentSeen) => ({ label: 'event', text: lineOf(event) })

const callStep = (call: SignedCall): TraceStep => ({
  ...{ name: 'call', at: call.at, ms: call.ms, title: callTitle(call) },
  raw: [
    { label: 'request', text: call.request },
    { label: 'answer', text: call.answer },
  ],
  files: ['web/contain/revoke.ts', POLICY_FILE],
})

/** Who sent a call that web refused is not known. */
function callTitle(call: SignedCall): string {
  const caller = call.status === null || call.status >= 500 || isAccepted(call) ? 'functions → web' : 'refused by web'
  return `${caller}: POST /contain/revoke, ${call.status ?? 'no answer'}`
}

function refusedSteps({ refused }: ContainmentSeen, files: readonly string[]): TraceStep[] {
  if (!refused) return []
  const runbooks = files.filter((file) => file.startsWith('runbooks/'))
  return [
    {
      ...{ name: 'refused', at: refused.timestamp, title: sentenceOf(refused) },
      raw: [{ label: 'event', text: lineOf(refused) }],
      files: runbooks,
    },
  ]
}
