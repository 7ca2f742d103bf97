import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { awaitMessage, beforeItEnds, type Part, startNative, startNode } from '../processes/part.ts'
import { freePort } from '../processes/ports.ts'

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const FUNCTIONS_HOST = fileURLToPath(new URL('../functions-host/main.ts', import.meta.url))
const READY_MS = 30_000
/** Azure's host starts .NET, which is slower the first time. */
const FUNC_READY_MS = 90_000

/** The environment of a program of the lab, and the listeners for its output. */
export interface LaunchOptions {
  /** The project's root, or a test's replacement. */
  readonly root: string
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  readonly onStdout: (line: string) => void
  readonly onStderr: (line: string) => void
  /** Called with the process as soon as it exists. */
  readonly born: (part: Part) => void
}

/** A ready program and its port on 127.0.0.1. */
export interface Launched {
  readonly part: Part
  readonly port: number
}
export type Launch = (options: LaunchOptions) => Promise<Launched>

/** Starts the compiled web app as the Procfile does. It sends a message with its port once it is ready. */
export const launchWeb: Launch = async ({ root, env, born, onStdout, onStderr }) => {
  const part = startNode({
    name: 'web',
    script: join(root, 'dist', 'web', 'server.js'),
    cwd: root,
    env: { ...env, PORT: '0', HOST: '127.0.0.1' },
    onStdout,
    onStderr,
  })
  born(part)
  const { port } = await awaitMessage(part, 'ready', READY_MS)
  return { part, port: Number(port) }
}

/** Starts the compiled functions under the embedded host, which sends a message with its port once it is ready. */
export const launchFunctions: Launch = async ({ root, dir, env, born, onStdout, onStderr }) => {
  const part = startNode({
    name: 'functions',
    script: FUNCTIONS_HOST,
    nodeOptions: ['--import', TSX],
    args: ['--root', root, '--port', '0', '--state-dir', join(dir, 'timers'), '--no-local-settings'],
    cwd: root,
    env,
    onStdout,
    onStderr,
  })
  born(part)
  const { port } = await awaitMessage(part, 'ready', READY_MS)
  return { part, port: Number(port) }
}

/**
 * Starts the compiled functions under Azure's own host. Its console mixes the app's lines with its own, each with a time.
 * @param command path of `func`
 */
export const launchFunc =
  (command: string): Launch =>
  async ({ root, env, born, onStdout, onStderr }) => {
    const port = await freePort()
    const part = await startNative({
      name: 'func',
      command,
      args: ['start', '--port', String(port)],
      cwd: root,
      env: {
        ...env,
        FUNCTIONS_WORKER_RUNTIME: 'node',
        FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT: '1',
        // Includes blob and queue, where the host keeps the locks of timers.
        AzureWebJobsStorage: env.TABLES_CONNECTION,
      },
      stopSignal: 'SIGINT',
      onStdout(line) {
        const [, event] = /^\[[^\]]*\] (\{.*\})$/.exec(line) ?? []
        if (event === undefined) onStderr(line)
        else onStdout(event)
      },
      onStderr,
    })
    born(part)
    await untilAnswers(part, `http://127.0.0.1:${port}/api/health`, FUNC_READY_MS)
    return { part, port }
  }

/** Requests a URL until the program answers or ends, because other programs send no message. */
async function untilAnswers(part: Part, url: string, deadlineMs: number): Promise<void> {
  const asking = new AbortController()
  const ask = async () => {
    while (!asking.signal.aborted) {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
      await answer?.body?.cancel()
      if (answer?.ok) return
      await delay(25)
    }
  }
  try {
    await beforeItEnds(part, ask(), deadlineMs)
  } finally {
    asking.abort()
  }
}
