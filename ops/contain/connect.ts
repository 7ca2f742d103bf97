import { fileURLToPath } from 'node:url'
import { createDeps, type FunctionsDeps } from '../../functions/deps.ts'
import { createFunctionsLog, LINES_LOST, logIntakeUrl } from '../../functions/log.ts'
import { parseFunctionsConfig } from '../../shared/config.ts'

export interface Connection {
  /** The environment variables of the functions. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Called with each event that cannot be sent to Datadog, and with every line that is not an event. */
  readonly print: (line: string) => void
  /** Called with each event, also when it is sent. */
  readonly keep?: ((line: string) => void) | undefined
}

/**
 * Opens the stores and clients that the functions use, with a log of its own. Events are sent to Datadog's log intake, or
 * printed if there is none or if it cannot be reached.
 */
export function connect({ environment, print, keep }: Connection): FunctionsDeps {
  const config = parseFunctionsConfig(environment)
  const isSent = logIntakeUrl(config) !== undefined && config.DD_API_KEY !== undefined
  const sent: string[] = []
  const log = createFunctionsLog(config, {
    write(line: string) {
      const { evt, message }: { evt?: unknown; message?: unknown } = JSON.parse(line)
      const isEvent = typeof evt === 'string'
      if (isEvent) keep?.(line)
      if (isEvent && isSent) sent.push(line)
      else print(line)
      // The notice does not say which lines were lost, so all of them are printed.
      if (message === LINES_LOST) for (const each of sent.splice(0)) print(each)
    },
  })
  const hashWorker = fileURLToPath(new URL('../../dist/hash-worker.cjs', import.meta.url))
  return createDeps(config, { hashWorker }, log)
}
