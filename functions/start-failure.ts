import { ConfigError } from '../shared/config.ts'

/**
 * Reports the failure of an entry file in a way that every host reports and stops for.
 *
 * The Node worker of Azure prints the stack of an error in an entry file and continues: the host would stay up and
 * healthy without any function. An error in an appStart hook fails the start of the worker with its message, and the
 * host ends after a few retries. A host that ends at the first error never calls the hook.
 * @param onAppStart registers an appStart hook
 * @returns the error to throw
 * @see https://github.com/Azure/azure-functions-nodejs-worker/blob/v3.x/src/startApp.ts
 */
export function refuseToStart(error: unknown, onAppStart: (hook: () => never) => unknown): unknown {
  if (error instanceof ConfigError) error.stack = linesOf(error).join('\n')
  onAppStart(() => {
    throw error
  })
  return error
}

/**
 * The faults in place of the stack frames, which do not name them. The host logs each line of stderr, as an error if
 * it contains that word, so each line begins with the name of the error.
 * @see https://github.com/Azure/azure-functions-host `WorkerProcess.ParseErrorMessageAndLog`
 */
const linesOf = ({ name, message }: ConfigError): string[] =>
  message.split('\n').map((line) => `${name}: ${line.trim()}`)
