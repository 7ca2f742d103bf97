import type { RequestHandler } from 'express'
import type { ServiceLog } from '../shared/log.ts'
import { createProbing, type Probes, sinceOf } from '../shared/probes.ts'

const RETRY_AFTER_SECONDS = 5

/** `GET /__health`: this process answers. It checks no store, because a restart would not repair one. */
export const health: RequestHandler = (_request, response) => {
  response.json({ status: 'ok' })
}

/** Functions answers, and some of its stores cannot be used. */
export class FunctionsDegraded extends Error {
  override readonly name = 'FunctionsDegraded'
  readonly stores: readonly string[]

  constructor(stores: readonly string[]) {
    super(`functions cannot use: ${stores.join(', ')}`)
    this.stores = stores
  }
}

/**
 * `GET /__ready`: 200 if every part can be used, otherwise 503 with the state of each part and since when it is down.
 * For functions it also names the stores. All parts are probed at once, in bounded time.
 */
export const ready = (deps: { probes: Probes; now: () => number; log: Pick<ServiceLog, 'warn'> }): RequestHandler => {
  const ask = createProbing(deps.probes, deps.now)
  return async (_request, response) => {
    const asked = await ask()
    const parts = Object.fromEntries([...asked].map(([part, down]) => [part, down ? 'down' : 'up']))
    const since = sinceOf(asked)
    if (Object.keys(since).length === 0) {
      response.json({ status: 'ready', parts })
      return
    }
    for (const [part, down] of asked) {
      if (!down) continue
      const fault = down.fault instanceof Error ? down.fault.name : 'unknown'
      deps.log.warn('a part is not ready', { part, fault })
    }
    const degraded = asked.get('functions')?.fault
    response
      .status(503)
      .set('retry-after', String(RETRY_AFTER_SECONDS))
      .json({
        status: 'unready',
        parts,
        since,
        ...(degraded instanceof FunctionsDegraded && { functions: degraded.stores }),
      })
  }
}
