import { logOfEvent } from './app-event.ts'
import { EventScanner } from './event-scanner.ts'
import { type FieldNeeds, needsOf } from './field-needs.ts'
import type { Log } from './log.ts'
import type { Monitor } from './monitor.ts'

/** A line that is not an event, with the reason. */
export class EventError extends Error {
  override readonly name = 'EventError'
}

/** Reads recorded events, one JSON object per line, as far as the given monitors look at them. */
export class EventReader {
  private readonly scanner: EventScanner

  constructor(monitors: readonly Monitor[], needs: FieldNeeds = needsOf(monitors)) {
    this.scanner = new EventScanner(needs)
  }

  /**
   * @param end where the line ends: `buffer[end]` must be its line feed
   * @param take gets the log, which it must not keep, and its time in epoch ms
   * @throws EventError when the line is not a JSON object or has no date that can be read
   */
  read(buffer: Buffer, start: number, end: number, take: (log: Log, at: number) => void): void {
    if (this.scanner.scan(buffer, start, end)) {
      take(this.scanner.log as Log, this.scanner.at)
      return
    }
    const log = logOfEvent(parseEvent(buffer.toString('utf8', start, end)))
    if (Number.isNaN(log.timestamp)) throw new EventError('has no date: `timestamp` as ISO 8601 or epoch milliseconds')
    take(log, log.timestamp)
  }
}

/** @throws EventError */
export function parseEvent(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    throw new EventError('is not JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new EventError('is not a JSON object')
}
