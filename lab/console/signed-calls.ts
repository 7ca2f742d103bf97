import { jsonIn } from '../datadog/http.ts'
import type { RecordedCall } from '../edge/recording.ts'

/** A signed call of functions to web, as it passed the edge. */
export type SignedCall = RecordedCall

const MAX_CALLS = 200

/** The signature of a call that was not accepted may still be of use. */
const SIGNATURE = /^(x-ato-signature: .*v1=[0-9a-f]{8}).*$/gim

/** Anybody can call that path, and only who signs the call is accepted. */
export const isAccepted = ({ status }: SignedCall): boolean => status !== null && status >= 200 && status < 300

/** The newest signed calls, by the detection and the session that they name. Those that were not accepted make room first. */
export class SignedCalls {
  #calls: { readonly call: SignedCall; readonly detection: unknown; readonly sid: unknown }[] = []

  /** @returns the detection that the call names */
  note(call: SignedCall): string | undefined {
    const named = jsonIn(call.body)
    const { detection, sid } = isNamed(named) ? named : {}
    const shown = isAccepted(call) ? call : { ...call, request: call.request.replace(SIGNATURE, '$1…') }
    this.#calls.push({ call: shown, detection, sid })
    if (this.#calls.length > MAX_CALLS) {
      const refused = this.#calls.findIndex((each) => !isAccepted(each.call))
      this.#calls.splice(Math.max(0, refused), 1)
    }
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
