import { randomUUID } from 'node:crypto'
import { format } from 'node:util'
import { programmingModel, type RegisteredFunction, type Registrations } from './core-module.ts'
import type {
  CoreInvocationContext,
  FunctionCallback,
  HookCallback,
  RpcInvocationResponse,
  RpcTraceContext,
  RpcTypedData,
} from './rpc.ts'

/** The function exceeded host.json's functionTimeout; its late result is dropped. */
class FunctionTimeoutError extends Error {
  override readonly name = 'FunctionTimeoutError'
}

export interface Trigger {
  /** Name of the trigger binding. */
  readonly binding: string
  readonly data: RpcTypedData
  readonly traceContext: RpcTraceContext
  /** The reason for the run, for the host's log. */
  readonly reason: string
}

/**
 * Runs one invocation in the worker's order: arguments, preInvocation hooks, the function, postInvocation hooks, response. All
 * conversions are done by the library.
 * @param timeoutMs Infinity for none
 * @throws FunctionTimeoutError, or the error of the function, of a hook or of a conversion. Each has been logged
 */
export async function invoke(
  registrations: Registrations,
  { metadata, callback }: RegisteredFunction,
  trigger: Trigger,
  timeoutMs: number,
): Promise<RpcInvocationResponse> {
  const invocationId = randomUUID()
  const category = `Function.${metadata.name}`
  const log = registrations.log
  const startedAt = performance.now()
  const ended = (how: string) =>
    `Executed 'Functions.${metadata.name}' (${how}, Id=${invocationId}, Duration=${Math.round(performance.now() - startedAt)}ms)`
  log(
    'information',
    category,
    `Executing 'Functions.${metadata.name}' (Reason='${trigger.reason}', Id=${invocationId})`,
  )
  const core: CoreInvocationContext = {
    invocationId,
    request: {
      invocationId,
      functionId: metadata.functionId ?? metadata.name,
      inputData: [{ name: trigger.binding, data: trigger.data }],
      triggerMetadata: {},
      traceContext: trigger.traceContext,
    },
    metadata,
    log: (level, source, message) => log(level, source === 'user' ? `${category}.User` : category, message),
  }
  try {
    const response = await withTimeout(run(registrations, core, callback), timeoutMs, metadata.name)
    log('information', category, ended('Succeeded'))
    return response
  } catch (error) {
    log('error', category, `${ended('Failed')}\n${format(error)}`)
    throw error
  }
}

async function run(
  registrations: Registrations,
  core: CoreInvocationContext,
  callback: FunctionCallback,
): Promise<RpcInvocationResponse> {
  const model = programmingModel()
  if (!model) throw new Error('No programming model was set')
  const invocation = model.getInvocationModel(core)
  const { context, inputs } = await invocation.getArguments()
  const shared = sharedHookContext(registrations, context)

  const pre = Object.assign(shared(), { inputs, functionCallback: callback })
  await runHooks(core, 'preInvocationHooks', registrations.hooks.preInvocation, pre)

  const post = Object.assign(shared(), { inputs: pre.inputs, result: null as unknown, error: null as unknown })
  core.state = 'invocation'
  try {
    post.result = await invocation.invokeFunction(context, pre.inputs, pre.functionCallback)
  } catch (error) {
    post.error = error
  } finally {
    core.state = undefined
  }
  await runHooks(core, 'postInvocationHooks', registrations.hooks.postInvocation, post)
  // As in the worker, a thrown null or undefined is not an error.
  if (post.error !== null && post.error !== undefined) throw post.error
  return invocation.getResponse(context, post.result)
}

/** @returns a factory of hook contexts that share data; they have no setters, so an assignment throws */
function sharedHookContext(registrations: Registrations, invocationContext: unknown) {
  const hookData = {}
  return () => ({
    get hookData() {
      return hookData
    },
    get appHookData() {
      return registrations.appHookData
    },
    get invocationContext() {
      return invocationContext
    },
  })
}

async function runHooks(
  core: CoreInvocationContext,
  state: 'preInvocationHooks' | 'postInvocationHooks',
  hooks: readonly HookCallback[],
  context: unknown,
): Promise<void> {
  core.state = state
  try {
    for (const hook of hooks) await hook(context)
  } finally {
    core.state = undefined
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number, name: string): Promise<T> {
  if (timeoutMs === Number.POSITIVE_INFINITY) return work
  let timer: NodeJS.Timeout | undefined
  const expiry = new Promise<never>((_, reject) => {
    const message = `Timeout value of ${timeoutMs} ms exceeded by function 'Functions.${name}'`
    // setTimeout is limited to 31 bits; a longer limit is treated as unlimited.
    timer = setTimeout(() => reject(new FunctionTimeoutError(message)), Math.min(timeoutMs, 2 ** 31 - 1))
  })
  try {
    return await Promise.race([work, expiry])
  } finally {
    clearTimeout(timer)
    work.catch(() => {}) // a late rejection must not be unhandled
  }
}
