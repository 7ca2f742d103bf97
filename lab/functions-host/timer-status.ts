import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Schedule } from './schedule.ts'

/** What is remembered of a timer between two starts of the host. `last` is undefined before the first run. */
export interface TimerStatus {
  readonly last: Date | undefined
  readonly next: Date
  readonly lastUpdated: Date | undefined
}

/** .NET's default DateTime: what the host writes for "never". */
const never = '0001-01-01T00:00:00+00:00'

/**
 * Compares a stored status with the schedule at a start of the host.
 * @param stored undefined at the very first start
 * @returns the status to go on with, and whether an occurrence was missed; missed ones count once, however many
 * @see https://github.com/Azure/azure-webjobs-sdk-extensions, `ScheduleMonitor.CheckPastDueAsync`
 */
export function resumeTimer(
  stored: TimerStatus | undefined,
  schedule: Schedule,
  now: Date,
): { readonly status: TimerStatus; readonly isPastDue: boolean } {
  if (!stored) return { status: { last: undefined, next: schedule.next(now), lastUpdated: now }, isPastDue: false }
  const basis = stored.last ?? stored.lastUpdated ?? now
  const expected = schedule.next(basis)
  if (expected.getTime() === stored.next.getTime()) return { status: stored, isPastDue: now > stored.next }
  // The schedule was changed meanwhile: an occurrence that only the new one has in the past was not missed.
  const status =
    now > expected
      ? { last: undefined, next: schedule.next(now), lastUpdated: now }
      : { last: undefined, next: expected, lastUpdated: basis }
  return { status, isPastDue: false }
}

/** The argument of a timer function, as the host sends it; the library makes the names camel-case. */
export function timerInfoJson(status: TimerStatus | undefined, isPastDue: boolean): string {
  return JSON.stringify({
    Schedule: { AdjustForDST: true },
    ScheduleStatus: status ? statusJson(status) : null,
    IsPastDue: isPastDue,
  })
}

/** @returns undefined when there is no status, or none that can be read: the timer then starts afresh, as in Azure */
export async function readTimerStatus(file: string): Promise<TimerStatus | undefined> {
  try {
    const json = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    const next = dateOf(json.Next)
    return next && { last: dateOf(json.Last), next, lastUpdated: dateOf(json.LastUpdated) }
  } catch {
    return undefined
  }
}

/** Replaces the file at once, so that a crash leaves the old status or the new one. */
export async function writeTimerStatus(file: string, status: TimerStatus): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.tmp`, `${JSON.stringify(statusJson(status))}\n`)
  await rename(`${file}.tmp`, file)
}

const statusJson = (status: TimerStatus) => ({
  Last: textOf(status.last),
  Next: textOf(status.next),
  LastUpdated: textOf(status.lastUpdated),
})

const textOf = (date: Date | undefined): string => date?.toISOString().replace('Z', '+00:00') ?? never

function dateOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' || value.startsWith('0001-')) return undefined
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? undefined : date
}
