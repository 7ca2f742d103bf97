import { createRequire, syncBuiltinESMExports } from 'node:module'
import { activeScheduler } from './scheduler.ts'

type Run = (...args: unknown[]) => void

const require = createRequire(import.meta.url)

/** What `setTimeout` returns to code that runs in a schedule. */
interface VirtualTimer {
  cancel(): void
  ref(): VirtualTimer
  unref(): VirtualTimer
  [Symbol.toPrimitive](): number
}

/**
 * Lets timers that are set during a step of a schedule run by the clock of the schedule, and end with the process that
 * set them; what is random in a step follows from its seed. Everybody else has timers and chance as before.
 */
export function installVirtualTime(): void {
  if (installed) return
  installed = true
  const real = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, random: Math.random }
  const cancel = (timer: unknown, clear: (timer: never) => void) =>
    isVirtual(timer) ? timer.cancel() : clear(timer as never)

  Object.assign(globalThis, {
    setTimeout: Object.assign((run: Run, ms = 0, ...args: unknown[]) => {
      return activeScheduler() ? timer(run, ms, args, false) : real.setTimeout(run, ms, ...args)
    }, real.setTimeout),
    setInterval: Object.assign((run: Run, ms = 0, ...args: unknown[]) => {
      return activeScheduler() ? timer(run, ms, args, true) : real.setInterval(run, ms, ...args)
    }, real.setInterval),
    setImmediate: (run: Run, ...args: unknown[]) => {
      const scheduler = activeScheduler()
      return scheduler ? scheduler.after(0, () => run(...args), scheduler.current) : real.setImmediate(run, ...args)
    },
    clearTimeout: (one: unknown) => cancel(one, real.clearTimeout),
    clearInterval: (one: unknown) => cancel(one, real.clearInterval),
  })
  const realTimeoutSignal = AbortSignal.timeout.bind(AbortSignal)
  AbortSignal.timeout = (ms) => {
    if (!activeScheduler()) return realTimeoutSignal(ms)
    const controller = new AbortController()
    timer(() => controller.abort(new DOMException('The operation timed out', 'TimeoutError')), ms, [], false)
    return controller.signal
  }
  const [realNow, realPerformance] = [Date.now, performance.now.bind(performance)]
  Date.now = () => activeScheduler()?.now ?? realNow()
  performance.now = () => activeScheduler()?.now ?? realPerformance()
  Math.random = () => activeScheduler()?.chance.next() ?? real.random()

  const promises = require('node:timers/promises') as { setTimeout: unknown }
  const realDelay = promises.setTimeout as (ms?: number, value?: unknown, options?: object) => Promise<unknown>
  promises.setTimeout = (ms = 0, value?: unknown, options: { signal?: AbortSignal } = {}) =>
    activeScheduler() ? delay(ms, value, options.signal) : realDelay(ms, value, options)

  const crypto = require('node:crypto') as { randomUUID: () => string; randomBytes: (size: number) => Buffer }
  const { randomUUID, randomBytes } = crypto
  crypto.randomUUID = () => activeScheduler()?.chance.uuid() ?? randomUUID()
  crypto.randomBytes = (size) => {
    const chance = activeScheduler()?.chance
    return chance ? Buffer.from(Array.from({ length: size }, () => chance.below(256))) : randomBytes(size)
  }
  syncBuiltinESMExports()
}

let installed = false

function timer(run: Run, ms: number, args: unknown[], repeats: boolean): VirtualTimer {
  const scheduler = activeScheduler()
  if (!scheduler) throw new Error('no schedule is under way')
  const process = scheduler.current
  const set = () =>
    scheduler.after(
      Math.max(1, ms),
      () => {
        if (repeats) step = set()
        run(...args)
      },
      process,
    )
  let step = set()
  const made: VirtualTimer = {
    cancel: () => scheduler.cancel(step),
    ref: () => made,
    unref: () => made,
    [Symbol.toPrimitive]: () => 0,
  }
  return made
}

const isVirtual = (timer: unknown): timer is VirtualTimer =>
  typeof timer === 'object' && timer !== null && 'cancel' in timer && typeof timer.cancel === 'function'

function delay(ms: number, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const waiting = timer(() => resolve(value), ms, [], false)
    signal?.addEventListener('abort', () => {
      waiting.cancel()
      reject(signal.reason)
    })
  })
}
