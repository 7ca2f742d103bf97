import { ConfigError } from '../shared/config.ts'

/**
 * Makes the failure of an entry file one that every host reports and none survives.
 *
 * Azure's Node worker prints the stack of what an entry file throws, and goes on: the host would stay up, healthy and
 * without a function. What an appStart hook throws fails the start of the worker itself, with its message; the host
 * tries again a few times and ends. A host that ends at the first throw never comes to the hook.
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
 * The faults in place of the frames, which say nothing of them. The host makes a log record of each line of stderr, and
 * takes it for an error if the word is in it: so each line begins with the name of the error.
 * @see https://github.com/Azure/azure-functions-host `WorkerProcess.ParseErrorMessageAndLog`
 */
const linesOf = ({ name, message }: ConfigError): string[] =>
  message.split('\n').map((line) => `${name}: ${line.trim()}`)
