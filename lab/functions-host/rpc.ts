/**
 * The messages between the Functions host and its Node worker for HTTP and timer triggers.
 * @see https://github.com/Azure/azure-functions-nodejs-library, `types-core`: the library converts from and to these
 */
export interface RpcTypedData {
  readonly string?: string
  readonly json?: string
  readonly bytes?: Uint8Array
  readonly http?: RpcHttp
}

export interface RpcHttp {
  readonly method?: string
  readonly url?: string
  readonly nullableHeaders?: Nullable
  readonly nullableQuery?: Nullable
  readonly nullableParams?: Nullable
  readonly body?: RpcTypedData | null
  readonly statusCode?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly RpcCookie[]
}

export type Nullable = Readonly<Record<string, { readonly value: string }>>

export interface RpcCookie {
  readonly name: string
  readonly value: string
  readonly domain?: { readonly value: string }
  readonly path?: { readonly value: string }
  readonly expires?: { readonly value: { readonly seconds: number } }
  readonly secure?: { readonly value: boolean }
  readonly httpOnly?: { readonly value: boolean }
  /** `none` means unset; `explicitNone` is the attribute `none`. */
  readonly sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone'
  /** Seconds. */
  readonly maxAge?: { readonly value: number }
}

export interface RpcTraceContext {
  readonly traceParent: string
  readonly traceState: string
  readonly attributes: Readonly<Record<string, string>>
}

export interface RpcInvocationRequest {
  readonly invocationId: string
  readonly functionId: string
  readonly inputData: readonly { readonly name: string; readonly data: RpcTypedData }[]
  readonly triggerMetadata: Readonly<Record<string, never>>
  readonly traceContext: RpcTraceContext
}

export interface RpcInvocationResponse {
  readonly returnValue?: RpcTypedData | null
}

export interface BindingInfo {
  readonly type: string
  readonly direction: 'in' | 'out' | 'inout'
  readonly [option: string]: unknown
}

export interface FunctionMetadata {
  readonly name: string
  readonly functionId?: string
  readonly bindings: Readonly<Record<string, BindingInfo>>
  readonly retryOptions?: unknown
}

export type FunctionCallback = (...args: unknown[]) => unknown
export type HookCallback = (context: unknown) => unknown
export type RpcLogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none'

export interface CoreInvocationContext {
  readonly invocationId: string
  readonly request: RpcInvocationRequest
  readonly metadata: FunctionMetadata
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined
  log(level: RpcLogLevel, category: string, message: string): void
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>
  getResponse(context: unknown, result: unknown): Promise<RpcInvocationResponse>
}

export interface ProgrammingModel {
  readonly name: string
  readonly version: string
  getInvocationModel(context: CoreInvocationContext): InvocationModel
  /** Locks `app.setup`; missing in older versions of the library. */
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>
}
