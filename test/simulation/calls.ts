import { unchecked } from '../../shared/unchecked.ts'
import type { Faults, Target } from './faults.ts'
import type { Process, Scheduler } from './scheduler.ts'

/** How long a client of a store waits for its answer. */
const CLIENT_MS = 2_000

/** An error of a store, as its client gives it once it has given up or was refused. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault'
  readonly code = 'ECONNRESET'
}

export type Trace = (line: string) => void

/** Makes calls of processes into steps of the schedule: each goes there, takes effect, and comes back, or does not. */
export class Calls {
  readonly #scheduler: Scheduler
  readonly #faults: Faults
  readonly #trace: Trace | undefined

  constructor(scheduler: Scheduler, faults: Faults, trace: Trace | undefined) {
    this.#scheduler = scheduler
    this.#faults = faults
    this.#trace = trace
  }

  trace(line: string): void {
    this.#trace?.(`${((this.#scheduler.now / 1000) % 86_400).toFixed(3)} ${line}`)
  }

  /**
   * @param run the effect, in one step
   * @returns what it gave; never anything in a process that is dead by then
   */
  call<T>(process: Process, target: Target, operation: string, run: () => T | Promise<T>): Promise<T> {
    const [scheduler, faults] = [this.#scheduler, this.#faults]
    const about = `${process.name} ${target} ${operation}`
    const crash = faults.crashAt(scheduler.now)
    const fate = faults.fateOf(target, scheduler.now)
    if (this.#trace) this.trace(`${about}: ${crash ? `crash ${crash}, ` : ''}${fate.kind}`)
    if (crash === 'before') {
      process.kill()
      return NEVER
    }
    return new Promise<T>((resolve, reject) => {
      const settle = (ms: number, run: () => void) => scheduler.after(ms, run, process)
      if (fate.kind === 'refused') {
        settle(fate.there, () => reject(new StoreFault(`${target} refused ${operation}`)))
        return
      }
      const late = () => reject(new StoreFault(`${target} gave no answer to ${operation}`))
      if (fate.kind === 'silent') {
        settle(CLIENT_MS, late)
        if (fate.there !== undefined) this.#perform(fate.there, process, run, `${about}: late effect`)
        if (crash === 'after') process.kill()
        return
      }
      const { there, back, kind } = fate
      if (there + back >= CLIENT_MS) settle(CLIENT_MS, late)
      this.#perform(there, process, run, undefined, (outcome) => {
        if (crash === 'after') return process.kill()
        if (kind === 'cut') return settle(back, () => reject(new StoreFault(`${target} was cut off at ${operation}`)))
        return settle(back, () => ('value' in outcome ? resolve(outcome.value) : reject(outcome.error)))
      })
    })
  }

  #perform<T>(
    there: number,
    process: Process,
    run: () => T | Promise<T>,
    label?: string,
    then?: (outcome: { value: T } | { error: unknown }) => void,
  ): void {
    const { chance } = this.#scheduler
    this.#scheduler.after(there, () => {
      // What a process sent before it died may have got through, or not.
      if (!process.isAlive && chance.happens(0.5)) return
      if (label) this.trace(label)
      let value: T | Promise<T>
      try {
        value = run()
      } catch (error) {
        then?.({ error })
        return
      }
      if (value instanceof Promise)
        value.then(
          (value) => then?.({ value }),
          (error: unknown) => then?.({ error }),
        )
      else then?.({ value })
    })
  }
}

const NEVER = new Promise<never>(() => undefined)

type Method = (...args: unknown[]) => unknown

/** A port of a store as one process reaches it: each of its methods is one call, and so are those of what it returns. */
export function reached<Port extends object>(
  port: Port,
  perform: <T>(operation: string, run: () => T | Promise<T>) => Promise<T>,
): Port {
  const methods = Object.entries(port).map(([name, method]) => {
    if (typeof method !== 'function') return [name, method]
    const call: Method = async (...args) => {
      const given = await perform(name, (): unknown => method(...args))
      return isHandle(given) ? reached(given, (operation, run) => perform(`${name}.${operation}`, run)) : given
    }
    return [name, call]
  })
  // The same names with methods of the same signatures.
  return unchecked<Port>(Object.fromEntries(methods))
}

/** Something with methods of its own, such as a lease that is held. */
const isHandle = (given: unknown): given is object =>
  typeof given === 'object' && given !== null && Object.values(given).some((value) => typeof value === 'function')
