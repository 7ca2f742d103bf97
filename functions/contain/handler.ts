import { randomUUID } from 'node:crypto'
import type { HttpHandler } from '@azure/functions'
import { addressFields, clientAddress } from '../../shared/client/address.ts'
import { type ContainDeps, contain } from '../../shared/containment/contain.ts'
import { ProblemError } from '../../shared/problem.ts'
import type { Secret } from '../../shared/secret.ts'
import { equalsAny } from '../../shared/signature.ts'
import { type BoundaryDeps, problemBoundary, readBody } from '../http.ts'

const WEBHOOK_SECRET_HEADER = 'x-ato-webhook-secret'

/**
 * `POST /api/contain`: Datadog's webhook. It cannot sign, so a static secret stands in the header. 4xx is final for
 * Datadog, 5xx is retried: only what a retry can mend is a 5xx.
 */
export const containHandler = (deps: ContainDeps & BoundaryDeps & { webhookSecrets: readonly Secret[] }): HttpHandler =>
  problemBoundary(deps, async (request) => {
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
    const outcome = await contain(body.toString('utf8'), received, deps)
    switch (outcome.kind) {
      case 'accepted': {
        const { id, state, action, result, via } = outcome.containment
        return { status: 200, jsonBody: { containment_id: id, state, action, result, via } }
      }
      case 'ignored':
        return { status: 200, jsonBody: { ignored: outcome.reason } }
      case 'refused':
        throw new ProblemError(outcome.reason === 'malformed' ? 'request-malformed' : 'alert-unusable', {
          detail: outcome.why,
        })
    }
  })
