import { randomUUID } from 'node:crypto'
import type { HttpHandler, HttpResponseInit } from '@azure/functions'
import { withBudget } from '../../shared/bounded.ts'
import { addressFields, clientAddress } from '../../shared/client/address.ts'
import { ProblemError, renderProblem } from '../../shared/problem.ts'
import type { Secret } from '../../shared/secret.ts'
import { equalsAny } from '../../shared/signature.ts'
import { type BoundaryDeps, problemBoundary, readBody } from '../http.ts'
import { type ContainDeps, type ContainOutcome, contain } from './contain.ts'
import { createPatience } from './persistence.ts'
import { createTurns, type Turn } from './turns.ts'

/**
 * How long failures are retried here. The budget is a little longer, so that the progress can be recorded; Datadog
 * waits 15 s. A slow store gets more time per call than for a visitor.
 */
const PATIENCE_MS = 10_000
const BUDGET_MS = 12_000
const CALL_MS = 4_000
/** More would fill the memory, and none of them would have its turn in time. */
const MOST_AT_ONCE = 500
/**
 * A process carries out tens of alerts in a second. If hundreds shared its time, all of them would be answered too late,
 * and their retries would come on top. Rows first: a written row is carried out even if its turn does not come.
 */
const CLAIMS_AT_ONCE = 32
/** More than of the claims, because an action waits up to 3 s for a web that hangs. */
const ACTIONS_AT_ONCE = 64
/** What is begun must have this long. */
const LEAST_MS = 4_000
const RETRY_SECONDS = 2
const WEBHOOK_SECRET_HEADER = 'x-ato-webhook-secret'

export interface ContainWebhookDeps extends ContainDeps, BoundaryDeps {
  webhookSecrets: readonly Secret[]
}

/**
 * `POST /api/contain`: the webhook of Datadog. It cannot sign, so a header has a static secret. For Datadog a 4xx is
 * final and a 5xx is retried, so a 5xx means that a retry can help.
 * @param options.mostAtOnce alerts under way in this process; a further one is answered 503 at once
 * @param options.actionsAtOnce alerts of these that are being carried out; the others wait for their turn
 */
export function containHandler(
  deps: ContainWebhookDeps,
  { mostAtOnce = MOST_AT_ONCE, actionsAtOnce = ACTIONS_AT_ONCE } = {},
): HttpHandler {
  let underWay = 0
  const crowd = createCrowd(deps)
  const [claims, actions] = [createTurns(CLAIMS_AT_ONCE), createTurns(actionsAtOnce)]
  return problemBoundary(
    deps,
    async (request, context) => {
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
      // Before the body is read: of ten thousand at once, most cost no more than this.
      if (underWay >= mostAtOnce) return crowd.refuse(context.invocationId)
      underWay++
      try {
        const body = await readBody(request).catch((error: unknown) => {
          refuse('malformed')
          throw error
        })
        const patience = createPatience(PATIENCE_MS)
        const toWaitMs = () => patience.leftMs() - LEAST_MS
        const work = async () => {
          const endClaim = await claims.take(toWaitMs())
          const turn: Turn = async (act) => {
            endClaim()
            const endAction = await actions.take(toWaitMs())
            return act().finally(endAction)
          }
          return contain(body.toString('utf8'), received, deps, { patience, turn }).finally(endClaim)
        }
        return answerTo(await withBudget(BUDGET_MS, work, { callMs: CALL_MS }).catch(unavailable))
      } finally {
        underWay--
      }
    },
    { budgetMs: BUDGET_MS },
  )
}

const CROWD_LOGGED_MS = 1_000

/** Alerts beyond the limit: answered at once, and logged once a second, because a line for each would cost more. */
function createCrowd({ warn, now }: Pick<ContainWebhookDeps, 'warn' | 'now'>) {
  let refused = 0
  let loggedAt = Number.NEGATIVE_INFINITY
  return {
    refuse(instance: string): HttpResponseInit {
      refused++
      if (now() - loggedAt >= CROWD_LOGGED_MS) {
        warn('alerts are refused, because too many are under way', { alerts: refused })
        refused = 0
        loggedAt = now()
      }
      const problem = new ProblemError('unavailable', { retryAfterSeconds: RETRY_SECONDS })
      const { status, document, headers } = renderProblem(problem, instance)
      return { status, headers, body: JSON.stringify(document) }
    },
  }
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
