import pino from 'pino'
import { type Emit, type NewEvent, USER_AGENT_MAX } from './event.ts'

/** Where a host writes: events for the detections, and faults for whoever keeps the service running. */
export interface ServiceLog {
  emit: Emit
  /** Logs a fault of ours: the message of the error, and its stack on one line. Never pass the body of a request. */
  error(error: unknown, message: string, fields?: Record<string, string | number>): void
  warn(message: string, fields?: Record<string, string | number>): void
}

/**
 * Writes one JSON object per line, at most 4 KiB, synchronously: an instance may stop without warning, and a
 * worker-thread transport would lose the last lines.
 * @param destination anything with `write(line)`; stdout by default
 */
export function createLog(
  tags: { service: string; env: string },
  destination: pino.DestinationStream = pino.destination({ dest: 1, sync: true }),
): ServiceLog {
  const log = pino(
    {
      base: tags,
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  return {
    emit: (event) => {
      const { level = 'info', ...fields } = bounded(event)
      log[level](fields)
    },
    error: (error, message, fields) => log.error({ ...fields, error: describe(error) }, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
  }
}

function bounded(event: NewEvent): NewEvent {
  return 'user_agent' in event ? { ...event, user_agent: event.user_agent.slice(0, USER_AGENT_MAX) } : event
}

/** An error and its causes as bounded text. Connection strings contain passwords, so they are redacted. */
function describe(error: unknown): { kind: string; text: string; stack?: string } {
  if (!(error instanceof Error)) return { kind: typeof error, text: redact(String(error)) }
  const causes: string[] = []
  for (let cause: unknown = error; cause instanceof Error && causes.length < 4; cause = cause.cause) {
    causes.push(cause.message)
  }
  const stack = error.stack?.split('\n').slice(1, 6).join(' | ')
  const text = redact(causes.join(' <- '))
  return stack === undefined ? { kind: error.name, text } : { kind: error.name, text, stack: redact(stack) }
}

const redact = (text: string): string =>
  text
    .replace(/\b([a-z]+:\/\/)[^\s/@]*@/gi, '$1[redacted]@')
    .replace(/\b(AccountKey|SharedAccessSignature)=[^;\s]+/gi, '$1=[redacted]')
    .slice(0, 1024)
