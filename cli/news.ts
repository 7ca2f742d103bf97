import { duration, type Io, paint, printable, wrapped } from 'alertproof/cli'
import type { Delivery } from 'alertproof/notify'
import { z } from 'zod'
import type { AlertEvent } from '../lab/datadog/alerts.ts'
import { jsonIn } from '../lab/datadog/http.ts'
import type { SignalEvent } from '../lab/datadog/signals.ts'

const GAP = '  '
const CLOCK_WIDTH = '00:00:00'.length
const NAME_WIDTH = 'containment'.length
const INDENT = CLOCK_WIDTH + NAME_WIDTH + 3 * GAP.length
const LINE_WIDTH = 80

/**
 * One line for a person about an alert of a monitor, a signal of a rule, or what the receiver of its webhook answered.
 * @param now epoch ms
 */
export function newsLine(event: AlertEvent | SignalEvent, now: number, io: Pick<Io, 'color'>): string {
  const [kind, text] = newsOf(event)
  const name = paint(io, kind === 'containment' ? 'cyan' : 'yellow', kind.padEnd(NAME_WIDTH))
  const lines = wrapped(printable(text), LINE_WIDTH - INDENT).join(`\n${' '.repeat(INDENT)}`)
  const clock = paint(io, 'dim', new Date(now).toISOString().slice(11, 19))
  return `${GAP}${clock}${GAP}${name}${GAP}${lines}`
}

function newsOf(event: AlertEvent | SignalEvent): [kind: 'alert' | 'signal' | 'containment', text: string] {
  switch (event.kind) {
    case 'alert': {
      const { monitor, transition, scope, measured } = event.alert
      return ['alert', [`${transition}: ${monitor}, ${measured}`, ...(scope === '' ? [] : [scope])].join(', ')]
    }
    case 'signal': {
      const { rule, transition, severity, value, group } = event.signal
      const scope = Object.entries(group).map(([facet, name]) => `${facet}:${name}`)
      return ['signal', [`${transition}: ${rule}, ${severity}`, `value ${value}`, ...scope].join(', ')]
    }
    case 'delivery':
      return ['containment', `${event.alert.monitor}: ${outcomeOf(event.delivery)}`]
    case 'signal-delivery':
      return ['containment', `${event.signal.rule}, by its signal: ${outcomeOf(event.delivery)}`]
  }
}

const Answer = z.union([
  z.object({ action: z.string(), result: z.string().optional(), state: z.string() }),
  z.object({ ignored: z.string() }),
])

/** What functions answered to the webhook. */
function outcomeOf({ state, status, answer = '', error, duration_ms = 0 }: Delivery): string {
  if (state !== 'delivered') return `not delivered: ${error ?? `answered ${status}`}`
  const read = Answer.safeParse(jsonIn(answer))
  if (!read.success) return `answered ${status}`
  const { data } = read
  if ('ignored' in data) return `nothing to do (${data.ignored})`
  const { action, state: row, result = row } = data
  return `${action}: ${row === 'done' || result === 'observed' ? result : row}, after ${duration(duration_ms)}`
}
