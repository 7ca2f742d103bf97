import { z } from 'zod'

/** A `contain` event, as far as this suite counts it. */
const ContainEvent = z.object({
  evt: z.literal('contain'),
  outcome: z.enum(['success', 'noop', 'refused', 'fail', 'undone', 'observed']),
  reason: z.string().optional(),
  detection: z.string().optional(),
  containment_id: z.string().optional(),
  sid: z.string().optional(),
  blocked_network: z.string().optional(),
  usr: z.object({ id: z.string().optional() }).optional(),
  request_id: z.string().optional(),
})
export type ContainEvent = z.infer<typeof ContainEvent>

/** Both hosts' events, as they wrote them to stdout. */
export interface EventRecord {
  /** A line of either host. */
  take(line: string): void
  /** The `contain` events about a session, a user or a network. */
  about(subject: string): ContainEvent[]
  /** How many lines of an event type there were. */
  count(evt: string): number
}

export function createRecord(): EventRecord {
  const bySubject = new Map<string, ContainEvent[]>()
  const counts = new Map<string, number>()
  return {
    take(line) {
      const parsed = parse(line)
      const evt = z.object({ evt: z.string() }).safeParse(parsed)
      if (!evt.success) return
      counts.set(evt.data.evt, (counts.get(evt.data.evt) ?? 0) + 1)
      const { data: event } = ContainEvent.safeParse(parsed)
      if (!event) return
      const subject = event.sid ?? event.blocked_network ?? event.usr?.id
      if (subject === undefined) return
      const known = bySubject.get(subject)
      if (known) known.push(event)
      else bySubject.set(subject, [event])
    },
    about: (subject) => bySubject.get(subject) ?? [],
    count: (evt) => counts.get(evt) ?? 0,
  }
}

function parse(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
