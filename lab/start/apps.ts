import { type Supervised, supervise } from '../processes/supervised.ts'
import type { AppEnvironments } from './environment.ts'
import type { Front } from './front.ts'
import type { Host, LogFiles } from './log-files.ts'
import type { Launch } from './programs.ts'

/** The part of the ten seconds after Ctrl-C that is reserved for the apps' running requests. */
const GRACE_MS = 4000

export interface AppsOptions {
  readonly root: string
  readonly dir: string
  readonly env: AppEnvironments
  readonly front: Front
  readonly logs: LogFiles
  readonly programs: Readonly<Record<Host, Launch>>
  readonly log: (text: string) => void
  /** Called each time an app is ready, after its first and every later start. */
  readonly onReady: (host: Host) => void
  /** Called when an app has ended too often. */
  readonly onGivenUp: (error: Error) => void
}

/** The two apps, each behind its edge. */
export interface Apps {
  readonly web: Supervised
  readonly functions: Supervised
  /** Starts both at the same time. @throws when one does not become ready or the signal is aborted */
  start(signal: AbortSignal | undefined): Promise<void>
  stop(): Promise<void>
}

export function createApps(options: AppsOptions): Apps {
  const { front } = options
  const web = superviseApp('web', front.takeWeb, options)
  const functions = superviseApp('functions', front.takeFunctions, options)
  const stop = async () => {
    await Promise.all([web.stop(GRACE_MS), functions.stop(GRACE_MS)])
  }
  return {
    web,
    functions,
    stop,
    async start(signal) {
      signal?.throwIfAborted()
      const stopEarly = () => void stop()
      signal?.addEventListener('abort', stopEarly, { once: true })
      try {
        await Promise.all([web.start(), functions.start()])
      } finally {
        signal?.removeEventListener('abort', stopEarly)
      }
    },
  }
}

function superviseApp(host: Host, onStdout: (line: string) => void, options: AppsOptions): Supervised {
  const { root, dir, env, front, logs, programs, log, onReady, onGivenUp } = options
  return supervise({
    name: host,
    log,
    onGivenUp,
    onReady: () => onReady(host),
    async launch(born) {
      const onStderr = (line: string) => logs.note(host, line)
      const { part, port } = await programs[host]({ root, dir, env: env[host], onStdout, onStderr, born })
      front.behind[host] = port
      return part
    },
  })
}
