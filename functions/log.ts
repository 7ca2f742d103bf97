import pino from 'pino'
import type { FunctionsConfig } from '../shared/config.ts'
import type { NewEvent } from '../shared/event.ts'
import { createLog, type ServiceLog } from '../shared/log.ts'
import { type LogIntakeOptions, openLogIntake } from './log-intake.ts'

/** A log that has something to finish before the process ends. */
export interface ClosableLog extends ServiceLog {
  close(): Promise<void>
}

/** Said on stdout when the intake did not take lines. */
export const LINES_LOST = 'log lines did not reach the intake'

type LogConfig = Pick<FunctionsConfig, 'DD_SERVICE' | 'DD_ENV' | 'DD_API_KEY' | 'DD_SITE' | 'DD_LOGS_URL' | 'ATO_LAB'>

/**
 * The functions' log: stdout, which the platform takes up, and besides it the HTTP intake when one is configured.
 * @param stdout anything with `write(line)`
 * @param pace how long lines may wait for each other
 */
export function createFunctionsLog(
  config: LogConfig,
  stdout: pino.DestinationStream = pino.destination({ dest: 1, sync: true }),
  pace: Pick<LogIntakeOptions, 'flushMs'> = {},
): ClosableLog {
  const tags = { service: config.DD_SERVICE, env: config.DD_ENV }
  const onStdout = createLog(tags, stdout)
  const url = logIntakeUrl(config)
  if (url === undefined || config.DD_API_KEY === undefined) return { ...onStdout, close: async () => {} }
  const intake = openLogIntake({
    ...pace,
    url,
    apiKey: config.DD_API_KEY,
    service: config.DD_SERVICE,
    env: config.DD_ENV,
    // On stdout alone: an intake that loses lines is not the place to say so.
    lost: (lines, reason) => onStdout.warn(LINES_LOST, { lines, reason }),
  })
  const log = createLog(tags, {
    write(line: string) {
      stdout.write(line)
      intake.write(line)
    },
  })
  return {
    ...log,
    emit(event) {
      log.emit(event)
      if (isAudit(event)) intake.hurry()
    },
    close: intake.close,
  }
}

/**
 * Where log lines are sent besides stdout. The lab's own key is always set, and its lines have a way already: there, only an
 * address of its own switches it on.
 */
export function logIntakeUrl({
  DD_LOGS_URL,
  DD_SITE,
  ATO_LAB,
}: Pick<LogConfig, 'DD_LOGS_URL' | 'DD_SITE' | 'ATO_LAB'>): string | undefined {
  if (DD_LOGS_URL !== undefined) return DD_LOGS_URL
  return ATO_LAB || DD_SITE === undefined ? undefined : `https://http-intake.logs.${DD_SITE}/api/v2/logs`
}

/** What somebody would look for after a takeover. An instance may be taken away without warning: these do not wait. */
function isAudit(event: NewEvent): boolean {
  switch (event.evt) {
    case 'login':
    case 'mfa':
    case 'credential':
    case 'contain':
      return true
    case 'session':
      return event.outcome === 'revoked' || event.outcome === 'fork'
    default:
      return false
  }
}
