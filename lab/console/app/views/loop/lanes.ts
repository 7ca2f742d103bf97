import type { Effect, StepName, Trace, TraceStep } from '../../../api.ts'

/** All steps of one name: a row of the trace. */
export interface Lane {
  readonly name: StepName
  readonly label: string
  readonly steps: readonly TraceStep[]
  /** Of its first step; of the last one for counted events, which is the crossing. Undefined without steps. */
  readonly at: number | undefined
  /** Since the lane before it; undefined for the first one. */
  readonly sinceMs: number | undefined
}

export const LABELS = {
  counted: 'Counted events',
  value: 'Value',
  transition: 'Alert',
  delivery: 'Webhook',
  containment: 'Containment',
  call: 'Signed call',
  refused: 'First refusal',
} as const satisfies Record<StepName, string>

/** What each step is, for somebody who has not seen one yet. */
export const MEANINGS = {
  counted: 'the log lines that the detection counts',
  value: 'what they add up to, against the threshold',
  transition: 'the monitor changes from OK to Alert',
  delivery: 'the alert is sent to the service',
  containment: 'the service applies its policy and records what it did',
  call: 'web is told to end the session',
  refused: 'the next request with that session is refused',
} as const satisfies Record<StepName, string>

export const ORDER: readonly StepName[] = [
  'counted',
  'value',
  'transition',
  'delivery',
  'containment',
  'call',
  'refused',
]

/** The rows of a trace in the order of their causes; those that have not happened are empty. */
export function lanesOf({ steps }: Trace): Lane[] {
  let before: number | undefined
  return ORDER.map((name) => {
    const own = steps.filter((step) => step.name === name).toSorted((a, b) => a.at - b.at)
    const at = (name === 'counted' ? own.at(-1) : own[0])?.at
    const sinceMs = at === undefined || before === undefined ? undefined : at - before
    before = at ?? before
    return { name, label: LABELS[name], steps: own, at, sinceMs }
  })
}

/** The instant that all offsets of a trace count from: the event that made the value cross. */
export function originOf(trace: Trace): number {
  return (
    trace.steps.filter(({ name }) => name === 'counted').reduce((at, step) => Math.max(at, step.at), 0) ||
    trace.started_at
  )
}

/** Every instant that the axis must hold, the ends of longer steps included. */
export const instantsOf = ({ steps, started_at }: Trace): number[] =>
  steps.length === 0 ? [started_at] : steps.flatMap(({ at, ms }) => (ms === undefined ? [at] : [at, at + ms]))

/** The title of a row: of its one step, or of its newest one. */
export function summaryOf({ name, steps }: Lane): string {
  const last = steps.at(-1)
  if (!last) return ''
  if (name === 'counted' && steps.length > 1) return `${steps.length} events, the last: ${last.title}`
  return steps.length > 1 && name === 'delivery' ? `${steps.length} tries: ${last.title}` : last.title
}

/** The best effect of its containments: of several rows of one alert, one acts and the others are closed. */
export function effectOf({ steps }: Trace): Effect {
  const effects = steps.flatMap(({ name, effect }) => (name === 'containment' ? (effect ?? 'none') : []))
  return BEST_FIRST.find((each) => effects.includes(each)) ?? 'none'
}

const BEST_FIRST: readonly Effect[] = ['done', 'notified', 'waiting', 'failed', 'undone', 'observed', 'none']

const ENDS = {
  done: { text: 'Contained', tone: 'good' },
  notified: { text: 'A person was notified', tone: 'quiet' },
  waiting: { text: 'Waiting for a decision', tone: 'danger' },
  failed: { text: 'Containment failed', tone: 'danger' },
  undone: { text: 'Containment undone', tone: 'quiet' },
  observed: { text: 'Only observed', tone: 'quiet' },
  none: { text: 'Not contained', tone: 'quiet' },
} as const satisfies Record<Effect, Omit<Progress, 'ms'>>

/** How far a cycle has come, in words. */
export interface Progress {
  readonly text: string
  readonly tone: 'good' | 'danger' | 'quiet'
  /** Its last step after the origin. */
  readonly ms: number | undefined
}

export function progressOf(trace: Trace): Progress {
  const lanes = lanesOf(trace)
  const origin = originOf(trace)
  const last = lanes.findLast(({ at }) => at !== undefined)
  const ms = last?.at === undefined ? undefined : last.at - origin
  if (last?.name === 'refused') return { text: 'Refused', tone: 'good', ms }
  if (last?.name === 'call' || last?.name === 'containment') return { ...ENDS[effectOf(trace)], ms }
  if (last?.name === 'delivery') return { text: 'Delivered', tone: 'danger', ms }
  if (last?.name === 'transition') return { text: 'Alerted', tone: 'danger', ms }
  return { text: 'Counting', tone: 'quiet', ms }
}
