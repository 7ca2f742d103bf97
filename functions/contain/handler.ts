import { randomUUID } from 'node:crypto'
import type { HttpHandler, HttpResponseInit } from '@azure/functions'
import { withBudget } from '../../shared/bounded.ts'
import { addressFields, clientAddress } from '../../shared/client/address.ts'
import { ProblemError } from '../../shared/problem.ts'
import type { Secret } from '../../shared/secret.ts'
import { equalsAny } from '../../shared/signature.ts'
import { type BoundaryDeps, problemBoundary, readBody } from '../http.ts'
import { type ContainDeps, type ContainOutcome, contain } from './contain.ts'
import { createPatience } from './persistence.ts'

/**
 * How long failures are retried here. The budget is a little longer, so that the progress can be recorded; Datadog
 * waits 15 s. A slow store gets more time per call than for a visitor.
 */
const PATIENCE_MS = 10_000
const BUDGET_MS = 12_000
const CALL_MS = 4_000
/** A process carries out tens of alerts in a second: more at once would all be answered too late, and fill its memory. */
const MOST_AT_ONCE = 500
const RETRY_SECONDS = 2
const WEBHOOK_SECRET_HEADER = 'x-ato-webhook-secret'

export interface ContainWebhookDeps extends ContainDeps, BoundaryDeps {
  webhookSecrets: readonly Secret[]
}

/**
 * `POST /api/contain`: the webhook of Datadog. It cannot sign, so a header has a static secret. For Datadog a 4xx is
 * final and a 5xx is retried, so a 5xx means that a retry can help.
 * @param options.mostAtOnce alerts under way in this process; a further one is answered 503 at once
 */
export function containHandler(deps: ContainWebhookDeps, { mostAtOnce = MOST_AT_ONCE } = {}): HttpHandler {
  let underWay = 0
  return problemBoundary(
    deps,
    async (request) => {
      const received = { requestId: randomUUID(), ip: clientAddress(request.headers.get('x-forwarded-for')) }
      const refuse = (reason: 'bad_secret' | 'malformed') =>
        deps.emit({
          evt: 'webhook',
          outcome: 'refused',
          reason,
          request_id: received.requestId,
          ...addressFields(received.ip),
          level: 'warn',
        })
      if (!equalsAny(request.headers.get(WEBHOOK_SECRET_HEADER) ?? '', deps.webhookSecrets)) {
        refuse('bad_secret')
        throw new ProblemError('webhook-refused')
      }
      const body = await readBody(request).catch((error: unknown) => {
        refuse('malformed')
        throw error
      })
      if (underWay >= mostAtOnce) unavailable(new Error(`${underWay} alerts are under way`))
      const patience = createPatience(PATIENCE_MS)
      const work = () => contain(body.toString('utf8'), received, deps, { patience })
      underWay++
      try {
        return answerTo(await withBudget(BUDGET_MS, work, { callMs: CALL_MS }).catch(unavailable))
      } finally {
        underWay--
      }
    },
    { budgetMs: BUDGET_MS },
  )
}

function answerTo(outcome: ContainOutcome): HttpResponseInit {
  switch (outcome.kind) {
    case 'accepted': {
      const { id, state, action, result, via } = outcome.containment
      return { status: 200, jsonBody: { containment_id: id, state, action, result, via } }
    }
    case 'unfinished':
      return unavailable(outcome.cause)
    case 'ignored':
      return { status: 200, jsonBody: { ignored: outcome.reason } }
    case 'refused':
      throw new ProblemError(outcome.reason === 'malformed' ? 'request-malformed' : 'alert-unusable', {
        detail: outcome.why,
      })
  }
}

/** The sender must try again, whatever failed. */
function unavailable(cause: unknown): never {
  throw new ProblemError('unavailable', { retryAfterSeconds: RETRY_SECONDS, cause })
}
