import type { HttpHandler } from '@azure/functions'
import { createProbing, type Probes, sinceOf } from '../shared/probes.ts'
import { type BoundaryDeps, problemBoundary } from './http.ts'

const RETRY_AFTER_SECONDS = 2

export interface HealthDeps extends BoundaryDeps {
  probes: Probes
  now: () => number
}

/** `GET /api/health`: the state of each required store. 503 if one cannot be used, with the time since when. */
export const healthHandler = (deps: HealthDeps): HttpHandler => {
  const ask = createProbing(deps.probes, deps.now)
  return problemBoundary(deps, async () => {
    const parts = await ask()
    const stores = Object.fromEntries([...parts].map(([name, down]) => [name, down ? 'down' : 'ok']))
    const since = sinceOf(parts)
    if (Object.keys(since).length === 0) return { status: 200, jsonBody: { status: 'ok', stores } }
    const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) }
    return { status: 503, headers, jsonBody: { status: 'degraded', stores, since } }
  })
}
