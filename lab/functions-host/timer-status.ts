import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Schedule } from './schedule.ts'

/** The status of a timer that is kept between starts of the host. `last` is undefined before the first run. */
export interface TimerStatus {
  readonly last: Date | undefined
  readonly next: Date
  readonly lastUpdated: Date | undefined
}

/** .NET's default DateTime, which the host writes for a missing one. */
const NO_DATE = '0001-01-01T00:00:00+00:00'

/**
 * Compares a stored status with the schedule at a start of the host.
 * @param stored undefined at the first start
 * @returns the new status, and whether at least one occurrence was missed
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
  // If the schedule was changed, a past occurrence of the new schedule alone was not missed.
  const status =
    now > expected
      ? { last: undefined, next: schedule.next(now), lastUpdated: now }
      : { last: undefined, next: expected, lastUpdated: basis }
  return { status, isPastDue: false }
}

/** The argument of a timer function in the host's form; the library converts the names to camel case. */
export function timerInfoJson(status: TimerStatus | undefined, isPastDue: boolean): string {
  return JSON.stringify({
    Schedule: { AdjustForDST: true },
    ScheduleStatus: status ? statusJson(status) : null,
    IsPastDue: isPastDue,
  })
}

/** @returns undefined if the status is missing or unreadable; then the timer starts without one, as in Azure */
export async function readTimerStatus(file: string): Promise<TimerStatus | undefined> {
  try {
    const json: Record<string, unknown> = JSON.parse(await readFile(file, 'utf8'))
    const next = dateOf(json.Next)
    return next && { last: dateOf(json.Last), next, lastUpdated: dateOf(json.LastUpdated) }
  } catch {
    return undefined
  }
}

/** Replaces the file atomically, so that a crash leaves either the old or the new status. */
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

const textOf = (date: Date | undefined): string => date?.toISOString().replace('Z', '+00:00') ?? NO_DATE

function dateOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' || value.startsWith('0001-')) return undefined
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? undefined : date
}
