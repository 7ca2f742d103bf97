/** Every answer that is not a success, by code. The boundary of each app renders it. @see RFC 9457 */
export const problems = {
  'request-malformed': { status: 400, title: 'The request could not be read' },
  'request-too-large': { status: 413, title: 'The request body is too large' },
  'login-refused': { status: 401, title: 'Email or password is not right' }, // same answer for an unknown account
  'code-refused': { status: 401, title: 'The code is not right or no longer valid' },
  'session-required': { status: 401, title: 'A session is required' },
  'session-invalid': { status: 401, title: 'The session token is not valid' },
  'session-expired': { status: 401, title: 'The session has expired' },
  'session-revoked': { status: 401, title: 'The session was ended to protect the account' },
  'session-forked': { status: 401, title: 'The session was used in two places and was ended' },
  'session-device': { status: 401, title: 'The session belongs to another device' },
  'call-refused': { status: 401, title: 'The signed call was refused' },
  'webhook-refused': { status: 401, title: 'The webhook was refused' },
  'reauthentication-required': { status: 403, title: 'Enter your password again to do this' },
  'request-forged': { status: 403, title: 'The request did not come from this site' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'renewal-early': { status: 409, title: 'This token is not due for renewal: go on using it' },
  'renewal-stale': { status: 409, title: 'A newer token of this session is already in use' },
  'mfa-state': { status: 409, title: 'The second factor is not in the state that this needs' },
  'password-weak': { status: 422, title: 'The password does not meet the policy' },
  'confirmation-refused': {
    status: 422,
    title: 'The link does not work: it was used, has expired, or something is missing',
  },
  'alert-unusable': { status: 422, title: 'The alert cannot be acted on' },
  throttled: { status: 429, title: 'Too many attempts: wait and try again' },
  'internal-error': { status: 500, title: 'Something went wrong' },
  unavailable: { status: 503, title: 'The service is busy or a store cannot be reached: try again' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof problems

/** `application/problem+json` as it is sent. `instance` is the request id that the logs hold too. */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  code: ProblemCode
  detail?: string
  instance?: string
}

/** Thrown when a request cannot go on. `detail` is for the caller, `cause` for the log only. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly code: ProblemCode
  readonly detail: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ProblemCode, options: { detail?: string; retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(problems[code].title, { cause: options.cause })
    this.code = code
    this.detail = options.detail
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/**
 * Renders an error for the caller. Anything but a {@link ProblemError} becomes a 500 without details.
 * @returns the document and its headers
 */
export function renderProblem(
  error: unknown,
  instance: string,
): { status: number; document: ProblemDocument; headers: Record<string, string> } {
  const problem = error instanceof ProblemError ? error : new ProblemError('internal-error')
  const { status, title } = problems[problem.code]
  const document: ProblemDocument = { type: 'about:blank', title, status, code: problem.code, instance }
  if (problem.detail !== undefined) document.detail = problem.detail
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (problem.retryAfterSeconds !== undefined) headers['retry-after'] = String(problem.retryAfterSeconds)
  return { status, document, headers }
}
