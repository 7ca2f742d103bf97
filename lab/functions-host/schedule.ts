import { Cron } from 'croner'

/** The schedule of a timer function, in UTC. */
export interface Schedule {
  /** @returns the first occurrence strictly after `after` */
  next(after: Date): Date
  readonly text: string
}

/**
 * Reads an NCRONTAB expression of six fields (seconds first) or five. Day of month and day of week must both match, as in
 * NCrontab and unlike in Unix cron.
 * @param expression `%NAME%` is replaced by the app setting NAME
 * @throws Error naming the expression and the fault, such as syntax of other cron dialects (`?`, `L`, `#`, `@daily`)
 * @see https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
 */
export function parseSchedule(expression: unknown, env: Readonly<Record<string, string | undefined>>): Schedule {
  if (typeof expression !== 'string') throw new Error('its schedule is not a string')
  const text = expression
    .replace(/%([^%]+)%/g, (_, name: string) => {
      const value = env[name]
      if (value === undefined) throw new Error(`its schedule names the app setting '${name}', which is not set`)
      return value
    })
    .trim()
  const refuse = (why: string): never => {
    throw new Error(`its schedule '${text}' ${why}`)
  }
  if (/^[\d.]*\d+:\d+:\d+$/.test(text)) refuse('is a TimeSpan, which this host does not support')
  const fields = text.split(/\s+/)
  if (fields.length !== 5 && fields.length !== 6) refuse('must have six or five fields')
  const names = /JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT/gi
  if (!fields.every((field) => /^[0-9*,/-]+$/.test(field.replace(names, '0')))) refuse('is not an NCRONTAB expression')
  if (/(^|[,/-])0*7/.test((fields.at(-1) ?? '').replace(/\/\d+/g, ''))) refuse('has a day of week outside 0-6')
  try {
    const options = {
      timezone: 'UTC',
      paused: true,
      mode: '5-or-6-parts',
      domAndDow: true,
      sloppyRanges: true,
    } as const
    const cron = new Cron(fields.join(' '), options)
    if (!cron.nextRun()) refuse('never occurs')
    return { text, next: (after) => cron.nextRun(after) ?? refuse('never occurs again') }
  } catch (cause) {
    if (cause instanceof TypeError || cause instanceof RangeError) return refuse(`is not usable: ${cause.message}`)
    throw cause
  }
}

/** @returns whether two of the next ten occurrences are less than a minute apart, so that no status is kept */
export function isSubMinute(schedule: Schedule, now: Date): boolean {
  let previous = schedule.next(now)
  for (let count = 0; count < 10; count += 1) {
    const next = schedule.next(previous)
    if (next.getTime() - previous.getTime() < 60_000) return true
    previous = next
  }
  return false
}
