import Module from 'node:module'
import type { HostLog } from './log.ts'
import type { FunctionCallback, FunctionMetadata, HookCallback, ProgrammingModel, RpcLogLevel } from './rpc.ts'

export const HOOK_NAMES = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation'] as const
export type HookName = (typeof HOOK_NAMES)[number]

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata
  readonly callback: FunctionCallback
}

/** The registrations of one app. */
export interface Registrations {
  readonly functions: Map<string, RegisteredFunction>
  readonly hooks: Readonly<Record<HookName, HookCallback[]>>
  /** Shared by all hooks of the app. */
  readonly appHookData: Record<string, unknown>
  /** Shared by appStart and appTerminate. */
  readonly appOnlyHookData: Record<string, unknown>
  /** Once set, registering a function throws. */
  started: boolean
  readonly log: HostLog
}

/** The version in the answer to `require('@azure/functions-core')`. */
const CORE_VERSION = '3.12.0'
export const HOST_VERSION = '4.1000.0'

let current: Registrations | undefined
let model: ProgrammingModel | undefined
let hooked = false

/**
 * Makes the library register into the returned registrations, until `releaseCore`.
 *
 * The hook sits on `Module.prototype.require` and the library caches its answer, so both are process-wide: **one host at
 * a time in a process**. Two apps at once need two processes (`spawnFunctionsHost`).
 * @throws Error when another host is running in this process
 */
export function acquireCore(log: HostLog): Registrations {
  if (current) throw new Error('Another Functions host runs in this process: start this one in a separate process')
  if (!hooked) hookRequire()
  hooked = true
  current = {
    functions: new Map(),
    hooks: { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [] },
    appHookData: {},
    appOnlyHookData: {},
    started: false,
    log,
  }
  return current
}

export function releaseCore(registrations: Registrations): void {
  if (current === registrations) current = undefined
}

/** @returns the model that the library set at its first registration; the last one set is used */
export const programmingModel = (): ProgrammingModel | undefined => model

class Disposable {
  #callOnDispose: (() => unknown) | undefined

  constructor(callOnDispose: () => unknown) {
    this.#callOnDispose = callOnDispose
  }

  static from(...disposables: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose()
    })
  }

  dispose(): unknown {
    const call = this.#callOnDispose
    this.#callOnDispose = undefined
    return call?.()
  }
}

const coreModule = {
  version: CORE_VERSION,
  hostVersion: HOST_VERSION,
  Disposable,
  registerFunction,
  registerHook,
  setProgrammingModel(next: ProgrammingModel): void {
    model = next
  },
  getProgrammingModel: (): ProgrammingModel | undefined => model,
  log(level: RpcLogLevel, _category: string, message: string): void {
    current?.log(level, 'Worker.System', message)
  },
}

function registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
  if (!current || current.started) throw new Error('A function can only be registered during app startup.')
  const { functions } = current
  const id = metadata.functionId ?? metadata.name
  if (functions.has(id)) throw new Error(`A function with id "${id}" has already been registered.`)
  functions.set(id, { metadata, callback })
  return new Disposable(() => functions.delete(id))
}

function registerHook(name: string, callback: HookCallback): Disposable {
  if (!current) throw new Error(`The hook "${name}" was registered before the app was started.`)
  const callbacks = isHookName(name) ? current.hooks[name] : undefined
  if (!callbacks) {
    current.log('warning', 'Host.Startup', `The hook "${name}" is unknown to this host and will never run`)
    return new Disposable(() => {})
  }
  callbacks.push(callback)
  return new Disposable(() => {
    const index = callbacks.indexOf(callback)
    if (index >= 0) callbacks.splice(index, 1)
  })
}

const isHookName = (name: string): name is HookName => HOOK_NAMES.some((known) => known === name)

function hookRequire(): void {
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (target, self, args: [string]) =>
      args[0] === '@azure/functions-core' ? coreModule : Reflect.apply(target, self, args),
  })
}
