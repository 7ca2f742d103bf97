import { jsonIn } from '../datadog/http.ts'

/** A signed call of functions to web, as it passed the edge. */
export interface SignedCall {
  /** Epoch ms. */
  readonly at: number
  readonly ms: number
  /** Request line, headers and body. */
  readonly request: string
  readonly body: string
  /** Null without an answer of the app. */
  readonly status: number | null
  readonly answer: string
}

const MAX_CALLS = 200

/** The newest signed calls, by the detection and the session that they name. */
export class SignedCalls {
  #calls: { readonly call: SignedCall; readonly detection: unknown; readonly sid: unknown }[] = []

  /** @returns the detection that the call names */
  note(call: SignedCall): string | undefined {
    const named = jsonIn(call.body)
    const { detection, sid } = isNamed(named) ? named : {}
    this.#calls.push({ call, detection, sid })
    if (this.#calls.length > MAX_CALLS) this.#calls.shift()
    return typeof detection === 'string' ? detection : undefined
  }

  /** Oldest first. */
  of(detection: string, sid: string | undefined, since: number): SignedCall[] {
    if (sid === undefined) return []
    return this.#calls.flatMap((each) =>
      each.detection === detection && each.sid === sid && each.call.at >= since ? each.call : [],
    )
  }
}

const isNamed = (json: unknown): json is { readonly detection?: unknown; readonly sid?: unknown } =>
  typeof json === 'object' && json !== null
