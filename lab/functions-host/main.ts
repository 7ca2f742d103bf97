import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { banner } from './banner.ts'
import { type FunctionsHost, type HostOptions, startFunctionsHost } from './host.ts'
import { isLoopbackName } from './loopback.ts'

const USAGE = `Runs a function app (HTTP and timers) locally, without Azure Functions Core Tools.

  node --import tsx lab/functions-host/main.ts [options]

  --root DIR           folder with host.json and package.json (default: the current folder)
  --port N             port, 0 for a free one (default 7071)
  --host ADDRESS       loopback address to bind to (default 127.0.0.1)
  --state-dir DIR      folder for the status of timers (default: .lab/timers in the root)
  --no-local-settings  do not read local.settings.json
  --help               this text

The host writes to stderr only, so stdout holds the app's own lines. SIGTERM, SIGINT and a closed IPC channel stop it: no new
requests, up to 10 s for running ones, appTerminate hooks for up to 5 s, exit code 0. As a child with an IPC channel it sends
{type: "ready", port, url, functions, errors}. Exit code: 0 after a stop, 1 for a failure, 2 for unusable arguments.
`

const say = (text: string) => process.stderr.write(`${text}\n`)

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2))
  let host: FunctionsHost | undefined
  let ending = false

  // As in Azure, an uncaught exception ends the worker, and running invocations are answered with 500.
  process.on('uncaughtException', async (error) => {
    say(`Worker uncaught exception: ${error instanceof Error ? error.stack : error}`)
    if (ending) return process.exit(1)
    ending = true
    await host?.failRunning()
    process.exit(1)
  })
  const stop = async (reason: string) => {
    if (ending) process.exit(1) // the second request to stop ends at once
    ending = true
    say(`Stopping (${reason})`)
    await host?.close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal))
  process.on('disconnect', () => {
    if (!ending) stop('the IPC channel closed')
  })

  try {
    process.chdir(options.root) // the app's working folder is its root, as under `func`
    host = await startFunctionsHost(options)
  } catch (error) {
    say(`The Functions host could not start: ${error instanceof Error ? error.message : error}`)
    const frames = framesOf(error instanceof Error ? error.cause : undefined)
    if (frames !== '') say(frames)
    process.exit(1)
  }
  say(banner(host))
  process.send?.({ type: 'ready', port: host.port, url: host.url, functions: host.functions, errors: host.errors })
}

/** The stack of an error without its message, which has been printed. */
function framesOf(error: unknown): string {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : []
  return lines.filter((line) => /^\s+at /.test(line)).join('\n')
}

function readArguments(argv: string[]): HostOptions {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        root: { type: 'string', default: '.' },
        port: { type: 'string', default: '7071' },
        host: { type: 'string', default: '127.0.0.1' },
        'state-dir': { type: 'string' },
        'no-local-settings': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(USAGE)
      process.exit(0)
    }
    const port = Number(values.port)
    if (!/^\d+$/.test(values.port) || port > 65_535)
      throw new Error(`--port ${values.port}: must be a number from 0 to 65535`)
    if (!isLoopbackName(values.host)) throw new Error(`--host ${values.host}: this host binds to loopback only`)
    const stateDir = values['state-dir']
    return {
      root: resolve(values.root),
      port,
      hostname: values.host,
      localSettings: !values['no-local-settings'],
      ...(stateDir !== undefined && { stateDir: resolve(stateDir) }),
    }
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\nRun it with --help for usage.`)
    process.exit(2)
  }
}

await main()
