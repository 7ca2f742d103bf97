import { join } from 'node:path'
import type { TimerFunction } from './function-table.ts'
import type { HostLog } from './log.ts'
import { isSubMinute, parseSchedule, type Schedule } from './schedule.ts'
import { readTimerStatus, resumeTimer, type TimerStatus, timerInfoJson, writeTimerStatus } from './timer-status.ts'

/** A timer function with its parsed schedule. */
export interface PreparedTimer {
  readonly target: TimerFunction
  readonly schedule: Schedule
  readonly runOnStartup: boolean
  /** undefined if no status is kept: `useMonitor` is false, or the schedule is finer than a minute. */
  readonly statusFile: string | undefined
}

/** @throws Error with the fault of the schedule */
export function prepareTimer(
  target: TimerFunction,
  stateDir: string,
  env: Readonly<Record<string, string | undefined>>,
): PreparedTimer {
  const schedule = parseSchedule(target.options.schedule, env)
  const monitored = target.options.useMonitor !== false && !isSubMinute(schedule, new Date())
  return {
    target,
    schedule,
    runOnStartup: target.options.runOnStartup === true,
    statusFile: monitored ? join(stateDir, `${target.name}.json`) : undefined,
  }
}

/** @returns the argument for a run on request, outside the schedule */
export async function timerInfoNow(timer: PreparedTimer): Promise<string> {
  return timerInfoJson(timer.statusFile ? await readTimerStatus(timer.statusFile) : undefined, false)
}

/**
 * Runs a timer on its schedule, one run at a time. A late run delays the next; a failed one does not stop the schedule.
 * @param run resolves or rejects when the invocation has ended; a rejection has been logged
 * @returns a function that stops the schedule and waits for the run in progress
 */
export async function startTimer(
  timer: PreparedTimer,
  run: (timerInfo: string, reason: string) => Promise<unknown>,
  log: HostLog,
): Promise<() => Promise<void>> {
  const { schedule, statusFile } = timer
  const stored = statusFile ? await readTimerStatus(statusFile) : undefined
  const resumed = resumeTimer(stored, schedule, new Date())
  let status: TimerStatus = resumed.status
  let stopped = false
  let handle: NodeJS.Timeout | undefined
  let inProgress = Promise.resolve()
  if (statusFile && status !== stored) await writeTimerStatus(statusFile, status)

  const fire = async (kind: 'schedule' | 'past due' | 'startup') => {
    const startedAt = new Date()
    const info = timerInfoJson(statusFile ? status : undefined, kind === 'past due')
    await run(info, `Timer fired at ${startedAt.toISOString()} (${kind})`).catch(() => {})
    // A timer may fire a little early; counting from then would make the same occurrence due twice.
    const last = kind === 'schedule' && status.next > startedAt ? status.next : startedAt
    status = { last, next: schedule.next(last), lastUpdated: last }
    if (statusFile) await writeTimerStatus(statusFile, status)
  }
  const runThenWait = (kind: 'schedule' | 'past due' | 'startup') => {
    inProgress = fire(kind)
      .catch((error) => log('error', 'Host.Timers', `The status of ${timer.target.name} could not be saved: ${error}`))
      .then(waitForNext)
  }
  const waitForNext = () => {
    if (stopped) return
    const remainingMs = status.next.getTime() - Date.now()
    // setTimeout is limited to 31 bits, about 24 days, so a longer wait is split.
    const partMs = Math.min(Math.max(remainingMs, 0), 2 ** 31 - 1)
    handle = setTimeout(() => (partMs < remainingMs ? waitForNext() : runThenWait('schedule')), partMs)
  }
  if (resumed.isPastDue) runThenWait('past due')
  else if (timer.runOnStartup) runThenWait('startup')
  else waitForNext()
  return async () => {
    stopped = true
    clearTimeout(handle)
    await inProgress
  }
}
