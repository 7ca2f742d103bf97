import type { Emit, Event } from '../../shared/event.ts'
import { type Chance, uuid } from './chance.ts'
import { defaults } from './hosts.ts'

export interface EventLogOptions {
  readonly chance: Chance
  /** epoch ms */
  readonly now: () => number
  /** epoch ms; earlier events are not written */
  readonly begins: number
  readonly write: (event: Event) => void
}

/**
 * Adds the fields that a log adds to an event. It replaces ids of sessions and users, which are random in the service, by
 * ids that follow from the seed.
 */
export function createEventLog({ chance, now, begins, write }: EventLogOptions): Emit {
  const ids = new Map<string, string>()
  const standIn = (id: string, make: () => string): string => {
    const known = ids.get(id)
    if (known !== undefined) return known
    const made = make()
    ids.set(id, made)
    return made
  }
  return (event) => {
    const at = now()
    if (at < begins) return
    const timestamp = new Date(at).toISOString()
    const written = { level: 'info', timestamp, service: defaults.DD_SERVICE, env: defaults.DD_ENV, ...event } as Event
    if ('sid' in written && written.sid !== undefined) written.sid = standIn(written.sid, () => `${chance.hex(20)}_A`)
    if ('usr' in written && written.usr?.id !== undefined) {
      written.usr = { ...written.usr, id: standIn(written.usr.id, () => uuid(chance)) }
    }
    write(written)
  }
}
