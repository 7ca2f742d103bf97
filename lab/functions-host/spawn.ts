import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { finished } from 'node:stream/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { FunctionInfo } from './host.ts'

export interface SpawnOptions {
  /** Folder with host.json and package.json. */
  readonly root: string
  /** 0 (the default) chooses a free port. */
  readonly port?: number
  /** The whole environment of the child; default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stateDir?: string
  readonly localSettings?: boolean
  /** Called with the app's stdout, which is the log of record. */
  readonly onStdout?: (chunk: string) => void
  /** Called with the output of the host and of `context.log`. */
  readonly onStderr?: (chunk: string) => void
}

export interface SpawnedHost {
  readonly url: string
  readonly port: number
  readonly functions: readonly FunctionInfo[]
  readonly errors: readonly string[]
  readonly child: ChildProcess
  /** Resolves with the exit code when the process has ended; -1 for a signal. */
  readonly exited: Promise<number>
  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number>
}

/**
 * Starts `main.ts` in a separate process, which watches the IPC channel and so ends with this one.
 * @throws Error with the child's stderr when it ends before it is ready
 */
export async function spawnFunctionsHost(options: SpawnOptions): Promise<SpawnedHost> {
  const args = ['--root', options.root, '--port', String(options.port ?? 0)]
  if (options.stateDir !== undefined) args.push('--state-dir', options.stateDir)
  if (options.localSettings === false) args.push('--no-local-settings')
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', tsx, main, ...args], {
    env: { ...(options.env ?? process.env) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let errorText = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => options.onStdout?.(chunk))
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errorText = (errorText + chunk).slice(-8000)
    options.onStderr?.(chunk)
  })
  const exited = endOf(child)
  const ready = new Promise<ReadyMessage>((done, fail) => {
    child.on('message', (message) => isReady(message) && done(message))
    child.once('error', fail)
    exited.then((code) => fail(new Error(`The Functions host ended with code ${code}:\n${errorText}`)))
  })
  const { url, port, functions, errors } = await ready
  return {
    url,
    port,
    functions,
    errors,
    child,
    exited,
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}

/** The exit code, after all output has been read. Node's `close` event is lost after a disconnect. */
async function endOf(child: ChildProcess): Promise<number> {
  const exit = new Promise<number>((done) => child.once('exit', (code) => done(code ?? -1)))
  const drained = [child.stdout, child.stderr].map((stream) => stream && finished(stream).catch(() => {}))
  const [code] = await Promise.all([exit, ...drained])
  return code
}

interface ReadyMessage {
  readonly type: 'ready'
  readonly url: string
  readonly port: number
  readonly functions: readonly FunctionInfo[]
  readonly errors: readonly string[]
}

const isReady = (message: unknown): message is ReadyMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready'
