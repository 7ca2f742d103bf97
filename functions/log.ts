import pino from 'pino'
import type { FunctionsConfig } from '../shared/config.ts'
import type { NewEvent } from '../shared/event.ts'
import { createLog, type ServiceLog } from '../shared/log.ts'
import { type LogIntakeOptions, openLogIntake } from './log-intake.ts'

/** A log that must finish its work before the process ends. */
export interface ClosableLog extends ServiceLog {
  close(): Promise<void>
}

/** The warning on stdout after a loss of lines. */
export const LINES_LOST = 'log lines did not reach the intake'

type LogConfig = Pick<FunctionsConfig, 'DD_SERVICE' | 'DD_ENV' | 'DD_API_KEY' | 'DD_SITE' | 'DD_LOGS_URL' | 'ATO_LAB'>

/**
 * The log of functions: stdout, which the platform collects, and the HTTP intake if one is configured.
 * @param stdout anything with `write(line)`
 * @param pace how long lines may wait to be sent together
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
    // On stdout only, because the intake is what lost the lines.
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
 * The intake for log lines. The key of the lab is always set, and the lab has its own forwarding, so there only an
 * explicit address switches the intake on.
 */
export function logIntakeUrl({
  DD_LOGS_URL,
  DD_SITE,
  ATO_LAB,
}: Pick<LogConfig, 'DD_LOGS_URL' | 'DD_SITE' | 'ATO_LAB'>): string | undefined {
  if (DD_LOGS_URL !== undefined) return DD_LOGS_URL
  return ATO_LAB || DD_SITE === undefined ? undefined : `https://http-intake.logs.${DD_SITE}/api/v2/logs`
}

/**
 * The events that an investigation of a takeover needs. They are sent at once, because an instance may stop without
 * warning.
 */
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
