import { randomBytes } from 'node:crypto'
import type { RpcTraceContext } from './rpc.ts'

/**
 * The trace context of an invocation: the caller's trace with a new span, or a new trace.
 * @see https://www.w3.org/TR/trace-context/ (an invalid traceparent starts a new trace, and its tracestate is dropped)
 */
export function traceContext(traceparent?: string, tracestate?: string): RpcTraceContext {
  const given = /^00-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/.exec(traceparent ?? '')
  const traceId = given?.[1] ?? randomBytes(16).toString('hex')
  const traceParent = `00-${traceId}-${randomBytes(8).toString('hex')}-${given?.[2] ?? '00'}`
  return { traceParent, traceState: given ? (tracestate ?? '') : '', attributes: {} }
}
