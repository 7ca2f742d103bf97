import * as z from 'zod'
import type { ForwardedClient } from '../shared/client/client.ts'
import { Sid } from '../shared/event.ts'
import type { ServiceLog } from '../shared/log.ts'
import { type ProblemCode, ProblemError, problems } from '../shared/problem.ts'
import { postSigned, type SigningDeps } from '../shared/signed-call.ts'
import { unchecked } from '../shared/unchecked.ts'

/** Longer than functions waits for its stores, so that its answer arrives. */
const TIMEOUT_MS = 11_000
const RETRY_AFTER_SECONDS = 5

export type Answer<T> = { kind: 'ok'; value: T } | Refused
export interface Refused {
  kind: 'refused'
  code: ProblemCode
  detail?: string | undefined
  retryAfterSeconds?: number | undefined
}

export interface FunctionsCall {
  client: ForwardedClient
  /** The session token, if the route needs a session. */
  token?: string | undefined
  data?: Readonly<Record<string, unknown>>
  timeoutMs?: number
}

/** The client of the auth API. */
export interface FunctionsClient {
  /** @param route below `/api/`, for example `auth/login`. Nothing is retried, because no call may happen twice */
  post<S extends z.ZodType>(route: string, answer: S, call: FunctionsCall): Promise<Answer<z.infer<S>>>
}

export const IssuedSession = z.object({ sid: z.string(), token: z.string().min(1), expires_at: z.string() })
/** A completed sign-in: the session, and the device token that identifies the browser from then on. */
export const SignedIn = IssuedSession.extend({ device_token: z.string().max(128).optional() })
export const LoginAnswer = z.union([SignedIn, z.object({ mfa_token: z.string().min(1) })])
export const AccountAnswer = z.object({ id: z.string(), email: z.string().max(254), mfa_enabled: z.boolean() })
/** An entry of a newer functions may have an event that this web does not know. */
const HistoryEntry = z.object({
  at: z.iso.datetime(),
  event: z.string().max(64),
  reason: z.string().max(64).optional(),
  sid: Sid.optional(),
  device: z.string().max(200).optional(),
  ip: z.string().max(45).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
})
export type HistoryEntry = z.infer<typeof HistoryEntry>
export const HistoryAnswer = z.object({ entries: z.array(HistoryEntry).max(100), complete: z.boolean() })
/** Absent during a deployment, while functions is older than web. */
export const Registered = z.object({
  registration: z
    .string()
    .regex(/^[\w-]{22}$/)
    .optional(),
})
export const RenewedToken = z.object({ token: z.string().min(1), expires_at: z.string() })
export const TotpOffer = z.object({ secret: z.string(), otpauth_uri: z.string().startsWith('otpauth://totp/') })
export const Nothing = z.unknown()

const UNAVAILABLE: Refused = { kind: 'refused', code: 'unavailable', retryAfterSeconds: RETRY_AFTER_SECONDS }

const Problem = z.object({
  code: z.enum(unchecked<ProblemCode[]>(Object.keys(problems))),
  detail: z.string().max(512).optional(),
})

/**
 * Signs each call with a fresh id and time. A failed connection, or an answer from something else (a page, truncated
 * JSON), is `unavailable` for the visitor. An answer of functions against the contract is an `internal-error`. The
 * fault is logged.
 */
export function createFunctionsClient(
  deps: SigningDeps & { origin: string; log: Pick<ServiceLog, 'error' | 'warn'> },
): FunctionsClient {
  const send = async (route: string, { client, token, data = {}, timeoutMs = TIMEOUT_MS }: FunctionsCall) => {
    const response = await postSigned(deps.origin, `/api/${route}`, { client, data }, { timeoutMs, token }, deps)
    return { response, text: await response.text() }
  }

  return {
    post: async (route, answer, call) => {
      const sent = await send(route, call).catch((error: unknown) => {
        deps.log.error(error, 'functions could not be reached', { route: nameOf(route) })
        return undefined
      })
      if (!sent) return UNAVAILABLE
      const { response, text } = sent
      if (!response.ok) return refusal(response, text, nameOf(route), deps.log)
      const json = parseJson(text)
      const value = answer.safeParse(json)
      if (value.success && (json !== undefined || text === '')) return { kind: 'ok', value: value.data }
      deps.log.warn('functions answered against its contract', { route: nameOf(route), status: response.status })
      return json === undefined ? UNAVAILABLE : { kind: 'refused', code: 'internal-error' }
    },
  }
}

function refusal(response: Response, text: string, route: string, log: Pick<ServiceLog, 'warn'>): Refused {
  const problem = Problem.safeParse(parseJson(text))
  if (!problem.success || problem.data.code === 'call-refused') {
    log.warn('functions refused a call', { route, status: response.status })
    // A refused signature is a fault of our own configuration and not of the visitor.
    return problem.success ? { kind: 'refused', code: 'internal-error' } : UNAVAILABLE
  }
  const { code, detail } = problem.data
  const after = Number(response.headers.get('retry-after') ?? Number.NaN)
  return { kind: 'refused', code, detail, retryAfterSeconds: Number.isInteger(after) && after >= 0 ? after : undefined }
}

/** The refusal as an error page. */
export function problemOf({ code, detail, retryAfterSeconds }: Refused): ProblemError {
  return new ProblemError(code, {
    ...(detail !== undefined && { detail }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
}

/** The route for the log, without the sid. */
const nameOf = (route: string): string => route.replace(/(?<=^auth\/sessions\/)[^/]+/, '{sid}')

/** @returns undefined for text that is not JSON */
export function parseJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
