import express, { type RequestHandler, type Response } from 'express'
import { type ClientDeps, deviceOf } from '../../shared/client/client.ts'
import { requestFields } from '../../shared/client/event.ts'
import { REVOKE_OP } from '../../shared/containment/revoke-call.ts'
import { type ProblemCode, ProblemError } from '../../shared/problem.ts'
import { SIGNATURE_HEADER } from '../../shared/signature.ts'
import { storeFailed, toProblem } from '../problems.ts'
import { visitOf } from '../visit.ts'
import { type CallDeps, type CallFault, readCall } from './call.ts'
import { type RevokeDeps, revoke } from './revoke.ts'

const BODY_LIMIT = '16kb'

export type ContainDeps = ClientDeps & RevokeDeps & { calls: Pick<CallDeps, 'keys' | 'replays'> }

/** `POST /contain/revoke`: raw bytes in, exactly one event out, whether it is carried out or refused. */
export function revokeHandlers(deps: ContainDeps): RequestHandler[] {
  const refusal = (response: Response, reason: CallFault, code: ProblemCode): ProblemError => {
    const { client } = visitOf(response)
    const fields = requestFields(client, deviceOf(client, deps))
    deps.emit({ ...fields, evt: 'call', outcome: 'refused', reason, route: REVOKE_OP, level: 'warn' })
    return new ProblemError(code)
  }
  // Of any type and never inflated: the signature is over the bytes as they came.
  const readRaw = express.raw({ type: () => true, limit: BODY_LIMIT, inflate: false })

  const readBody: RequestHandler = (request, response, next) =>
    readRaw(request, response, (error?: unknown) =>
      next(error === undefined ? undefined : refusal(response, 'malformed', toProblem(error).code)),
    )
  const carryOut: RequestHandler = async (request, response) => {
    const [signature, contentType] = [request.get(SIGNATURE_HEADER), request.get('content-type')]
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const reading = await readCall({ signature, contentType, body }, { ...deps.calls, now: deps.now }).catch(
      storeFailed,
    )
    if (reading.kind === 'refused') throw refusal(response, reading.reason, reading.code)
    const result = await revoke(reading.call, visitOf(response).client.requestId, deps).catch(storeFailed)
    response.json({ sid: reading.call.sid, result })
  }
  return [readBody, carryOut]
}
