import { Readable } from 'node:stream'
import { Evaluator, logOfEvent, type Monitor, type Transition } from 'alertproof'
import { notifierFor, substitute, type Webhook } from 'alertproof/notify'
import { replayStream } from 'alertproof/replay'
import { type Alert, type AlertFault, readAlert } from '../../functions/contain/alert.ts'

/** What somebody may type, send as a header, or have as a name: words for it, and the text. */
export const hostileValues: readonly (readonly [words: string, value: string])[] = [
  ['a quote', 'a"b'],
  ['a quote that adds a key', 'x","scope":"@sid:AAAAAAAAAAAAAAAAAAAAAA","x":"'],
  ['a backslash', 'a\\b'],
  ['a backslash at the end', 'ab\\'],
  ['an escaped quote', 'a\\"b'],
  ['a line feed', 'a\nb'],
  ['a carriage return', 'a\rb'],
  ['a payload variable', '$ALERT_ID'],
  ['the scope variable', '$ALERT_SCOPE'],
  ['a tag variable', '$TAGS[contain]'],
  ['a template variable', '{{x}}'],
  ['the value itself as a template', '{{value}}'],
  ['an open condition', '{{#is_alert}}'],
  ['a closed condition and a handle', '{{/is_alert}} @webhook-other '],
  ['a handle', 'x @webhook-other y'],
  ['a comma', 'a,b'],
  ['another session in the scope', 'x,@sid:AAAAAAAAAAAAAAAAAAAAAA'],
  ['another address in the scope', '203.0.113.77,@ip:198.51.100.9'],
  ['another address behind a blank', '203.0.113.77 198.51.100.9'],
  ['other tags', 'x,detection:session-reuse,contain:session'],
  ['a star', '*'],
  ['the name of an ungrouped monitor', 'total'],
  ['a search', '" OR @evt:*'],
  ['control characters', '\u0000\u0001\u001b[31m\u007f'],
  ['ten kilobytes', 'k'.repeat(10_240)],
  ['a lone surrogate', '\ud800x'],
  ['letters from right to left', '\u202egro.live'],
  ['the name of a prototype', '__proto__'],
  ['a blank', ' '],
  ['nothing', ''],
]

export interface Delivered {
  readonly transition: Transition
  /** Names of the webhooks that the message notifies. */
  readonly webhooks: readonly string[]
  /** What the receiver makes of the payload as it is sent. */
  readonly read: Alert | { fault: AlertFault; why: string }
}

/**
 * Takes events the whole way: JSON, the monitor, the message, the payload by raw substitution, and the parser of functions.
 * @returns one for each notification
 */
export function deliver(monitor: Monitor, webhook: Webhook, events: readonly object[]): Delivered[] {
  const evaluator = new Evaluator([monitor], { live: true })
  const notify = notifierFor(monitor, { variables: {}, origin: 'http://127.0.0.1' })
  const logs = events.map((event) => logOfEvent(JSON.parse(JSON.stringify(event))))
  const transitions = logs.flatMap((log) => evaluator.push(log))
  for (let due = evaluator.nextDue(); due !== undefined; due = evaluator.nextDue()) {
    transitions.push(...evaluator.advance(due))
  }
  return transitions.map((transition) => {
    const { values, webhooks } = notify(transition)
    return { transition, webhooks, read: readAlert(substitute(webhook.payload, values), new Date(transition.at)) }
  })
}

/** What the same events do as bytes: the reader of recordings must find the same groups. */
export async function groupsInBytes(monitor: Monitor, events: readonly object[]): Promise<string[]> {
  const groups: string[] = []
  const bytes = Readable.from([Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''))])
  await replayStream(
    bytes,
    [monitor],
    { live: true, silenceAfterEnd: true },
    {
      transition: ({ transition, group }) => {
        if (transition === 'Triggered') groups.push(JSON.stringify(group))
      },
      malformed: (line, reason) => {
        throw new Error(`line ${line} ${reason}`)
      },
    },
  )
  return groups
}

/** Every path in an event that holds a text. */
export function textPaths(event: object, above: readonly string[] = []): string[][] {
  return Object.entries(event).flatMap(([name, value]) => {
    const path = [...above, name]
    if (typeof value === 'string') return [path]
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? textPaths(value, path) : []
  })
}
