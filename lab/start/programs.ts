import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { awaitMessage, beforeItEnds, type Part, startNative, startNode } from '../processes/part.ts'
import { freePort } from '../processes/ports.ts'

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const FUNCTIONS_HOST = fileURLToPath(new URL('../functions-host/main.ts', import.meta.url))
const READY_MS = 30_000
/** The real host builds its own start on .NET, and is slower the first time. */
const FUNC_READY_MS = 90_000

/** How a program of the lab is started: its surroundings, and where its lines go. */
export interface Surroundings {
  /** The project, or what stands for it in a test. */
  readonly root: string
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  readonly onStdout: (line: string) => void
  readonly onStderr: (line: string) => void
  /** Told of the process as soon as there is one. */
  readonly born: (part: Part) => void
}

/** A program that is ready, and the port of 127.0.0.1 where it is. */
export interface Launched {
  readonly part: Part
  readonly port: number
}
export type Launch = (surroundings: Surroundings) => Promise<Launched>

/** The compiled web app, as the Procfile starts it; it says itself when it is ready, and where. */
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
  return { part, port: port as number }
}

/** The compiled functions under the embedded host; it says itself when it is ready, and where. */
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
  return { part, port: port as number }
}

/**
 * The compiled functions under Azure's own host. Its console mixes the app's lines with its own, each with a time.
 * @param command where `func` is
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
        // Names blob and queue as well: the host keeps its timers' locks there.
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

/** A program that is not ours sends no message: it is asked, until it answers or ends. */
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
