import { logOfEvent } from '../app-event.ts'
import { InputError } from '../input-error.ts'
import type { IndexedLog } from '../log.ts'
import { LogInput } from '../logs/index.ts'
import { EventError } from '../replay/index.ts'

/**
 * Reads a whole log into memory: a file or folder in any known form.
 * @throws InputError naming the file, and the place of the first part that is not a log
 */
export async function readLogs(path: string): Promise<IndexedLog[]> {
  const logs: IndexedLog[] = []
  const input = await LogInput.of([path])
  await input.visit(
    (log) => logs.push(log),
    (place, reason) => {
      throw new InputError(`${path}: ${place} ${reason}`)
    },
  )
  return logs
}

/** @throws EventError without a date that can be read */
export function logOf(event: Record<string, unknown>): IndexedLog {
  const log = logOfEvent(event)
  if (Number.isNaN(log.timestamp)) throw new EventError('has no date that can be read')
  return log
}
