import { fileURLToPath } from 'node:url'
import { createDeps, type FunctionsDeps } from '../../functions/deps.ts'
import { createFunctionsLog, LINES_LOST, logIntakeUrl } from '../../functions/log.ts'
import { parseFunctionsConfig } from '../../shared/config.ts'

export interface Connection {
  /** Variables of the functions. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Called with each line that cannot be sent to Datadog, and with everything that is no event. */
  readonly print: (line: string) => void
  /** Called with each event, whether or not it is sent as well. */
  readonly keep?: ((line: string) => void) | undefined
}

/**
 * Opens what the functions have, with a log of its own: events go to the intake that Datadog reads. They are printed where
 * there is none, or where it cannot be reached.
 */
export function connect({ environment, print, keep }: Connection): FunctionsDeps {
  const config = parseFunctionsConfig(environment)
  const isSent = logIntakeUrl(config) !== undefined && config.DD_API_KEY !== undefined
  const sent: string[] = []
  const log = createFunctionsLog(config, {
    write(line: string) {
      const { evt, message } = JSON.parse(line) as { evt?: unknown; message?: unknown }
      const isEvent = typeof evt === 'string'
      if (isEvent) keep?.(line)
      if (isEvent && isSent) sent.push(line)
      else print(line)
      // Which ones were lost is not known, so all of them are printed.
      if (message === LINES_LOST) for (const each of sent.splice(0)) print(each)
    },
  })
  const hashWorker = fileURLToPath(new URL('../../dist/hash-worker.cjs', import.meta.url))
  return createDeps(config, { hashWorker }, log)
}
