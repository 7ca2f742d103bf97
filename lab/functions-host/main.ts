import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { banner } from './banner.ts'
import { type FunctionsHost, type HostOptions, startFunctionsHost } from './host.ts'
import { isLoopbackName } from './loopback.ts'

const usage = `Runs a function app (HTTP and timers) locally, without Azure Functions Core Tools.

  node --import tsx lab/functions-host/main.ts [options]

  --root DIR           folder with host.json and package.json (default: the current one)
  --port N             port, 0 for a free one (default 7071)
  --host ADDRESS       loopback address to bind to (default 127.0.0.1)
  --state-dir DIR      where timers keep their status (default: .lab/timers in the root)
  --no-local-settings  leave local.settings.json unread
  --help               this text

The app's own stdout is untouched; everything of the host goes to stderr. SIGTERM, SIGINT and a closed IPC channel stop it:
no new requests, up to 10 s for running ones, appTerminate hooks for up to 5 s, exit 0. As a child with an IPC channel it
sends {type: "ready", port, url, functions, errors}. Exit codes: 0 stopped, 1 failed, 2 usage.
`

const say = (text: string) => process.stderr.write(`${text}\n`)

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2))
  let host: FunctionsHost | undefined
  let ending = false

  // Azure's worker ends at an uncaught exception, and the host answers its running invocations with 500.
  process.on('uncaughtException', async (error) => {
    say(`Worker uncaught exception: ${error instanceof Error ? error.stack : error}`)
    if (ending) return process.exit(1)
    ending = true
    await host?.failRunning()
    process.exit(1)
  })
  const stop = async (reason: string) => {
    if (ending) process.exit(1) // asked twice: the first stop takes too long
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

/** Where an error was thrown, without its message: that has been said. */
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
      process.stdout.write(usage)
      process.exit(0)
    }
    const port = Number(values.port)
    if (!/^\d+$/.test(values.port) || port > 65_535) throw new Error(`--port ${values.port} is no port`)
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
    say(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exit(2)
  }
}

await main()
