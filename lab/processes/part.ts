import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from './environment.ts'

const PRELOAD = new URL('./exit-with-parent.mjs', import.meta.url).href
const KEEPER = fileURLToPath(new URL('./keeper.mjs', import.meta.url))
const WINDOWS = process.platform === 'win32'
const DEFAULT_GRACE_MS = 5000
const TAIL_LINES = 12

/** A process of the lab. */
export interface Part {
  readonly name: string
  /** The id of the program itself; that of a native one is known once it runs. */
  readonly pid: number
  /** Settles when the process has ended and its output has been read. */
  readonly ended: Promise<Ending>
  /** The last lines of its stderr, or of its stdout if stderr is empty, for the message of a failure. */
  tail(): string
  /** Registers a listener for IPC messages. */
  onMessage(listener: (message: unknown) => void): void
  /** Asks it to end and kills it after the grace period; safe to call twice. */
  stop(graceMs?: number): Promise<void>
  /** Kills it at once. */
  kill(): void
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Output {
  onStdout?: (line: string) => void
  onStderr?: (line: string) => void
}

export interface NodeOrder extends Output {
  readonly name: string
  readonly script: string
  readonly args?: readonly string[]
  /** Node's own options, e.g. `['--import', 'tsx']`. */
  readonly nodeOptions?: readonly string[]
  /** Added to the variables of childEnvironment; no others are inherited. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly stopSignal?: NodeJS.Signals
}

export interface NativeOrder extends Output {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  readonly stopSignal?: NodeJS.Signals
}

/** Starts one of our own Node programs, which ends when this process ends for any reason. */
export function startNode(order: NodeOrder): Part {
  const stopSignal = order.stopSignal ?? 'SIGTERM'
  const argv = ['--import', PRELOAD, ...(order.nodeOptions ?? []), order.script, ...(order.args ?? [])]
  return watch(order, argv, { ...order.env, LAB_STOP_SIGNAL: stopSignal }, stopSignal)
}

/** Starts another program under a keeper, which ends it with this process. Resolves once it runs. */
export async function startNative(order: NativeOrder): Promise<Part> {
  const { command, args, cwd, uid, gid, stopSignal = 'SIGTERM' } = order
  const plan = JSON.stringify({ command, args, cwd, uid, gid, stopSignal })
  const keeper = watch(order, [KEEPER, plan], order.env ?? {}, 'SIGTERM')
  const pid = Number((await awaitMessage(keeper, 'spawned', 10_000)).pid)
  return { ...keeper, pid }
}

const RUNNING = new Set<Part>()

/** Kills every part of this process at once, for a second Ctrl-C. */
export function killAll(): void {
  for (const part of RUNNING) part.kill()
}

function watch(
  order: Output & { readonly name: string; readonly cwd?: string },
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stopSignal: NodeJS.Signals,
): Part {
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: childEnvironment(env),
    // Its own process group, so that Ctrl-C reaches only the lab, which stops its parts in order.
    detached: true,
    windowsHide: true,
    ...(order.cwd === undefined ? {} : { cwd: order.cwd }),
  })
  const errors: string[] = []
  const output: string[] = []
  readLines(child.stdout, output, order.onStdout)
  readLines(child.stderr, errors, order.onStderr)
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => {
      errors.push(error.message)
      if (child.pid === undefined) resolve({ code: null, signal: null })
    })
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const kill = () => killGroup(child)
  const part: Part = {
    name: order.name,
    pid: child.pid ?? 0,
    ended,
    tail: () => (errors.length > 0 ? errors : output).join('\n'),
    onMessage: (listener) => void child.on('message', listener),
    kill,
    async stop(graceMs = DEFAULT_GRACE_MS) {
      // Windows has no signals: there the closed channel to the parent, for which a part listens, stops it.
      if (WINDOWS && child.connected) child.disconnect()
      else child.kill(stopSignal)
      const timer = setTimeout(kill, graceMs)
      await ended
      clearTimeout(timer)
    },
  }
  RUNNING.add(part)
  ended.then(() => RUNNING.delete(part))
  return part
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (WINDOWS) {
    execFile('taskkill', ['/pid', String(child.pid), '/t', '/f'], () => {})
    return
  }
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

function readLines(stream: NodeJS.ReadableStream | null, last: string[], listener?: (line: string) => void): void {
  if (!stream) return
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
    last.push(line)
    if (last.length > TAIL_LINES) last.shift()
    listener?.(line)
  })
}

/**
 * Waits for an IPC message `{type}` from a part.
 * @throws with its last lines when it ends first or exceeds the deadline; then it has been stopped
 */
export function awaitMessage(part: Part, type: string, deadlineMs: number): Promise<Record<string, unknown>> {
  const message = new Promise<Record<string, unknown>>((resolve) => {
    part.onMessage((value) => {
      if (typeof value === 'object' && value !== null && 'type' in value && value.type === type) {
        resolve({ ...value })
      }
    })
  })
  return beforeItEnds(part, message, deadlineMs)
}

/**
 * Waits until a part is ready, as long as it runs.
 * @throws with its last lines when it ends first or exceeds the deadline; then it has been stopped
 */
export async function beforeItEnds<T>(part: Part, ready: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(failure(part, `was not ready within ${deadlineMs / 1000} s`)), deadlineMs)
  })
  const early = part.ended.then(({ code, signal }) => {
    throw failure(part, `ended with ${signal ?? `exit code ${code}`} before it was ready`)
  })
  try {
    return await Promise.race([ready, early, late])
  } catch (error) {
    await part.stop()
    throw error
  } finally {
    clearTimeout(timer)
    early.catch(() => {})
  }
}

function failure(part: Part, what: string): Error {
  const tail = part.tail()
  return new Error(`${part.name} ${what}${tail ? `. Its last lines:\n${tail.replace(/^/gm, '  ')}` : ''}`)
}
