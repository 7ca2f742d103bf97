import type { HttpHandler } from '@azure/functions'
import { type BoundaryDeps, problemBoundary } from './http.ts'

/** `GET /api/health`: the stores this host cannot work without, each by name. 503 if one does not answer. */
export const healthHandler = (
  deps: BoundaryDeps & { probes: Readonly<Record<string, () => Promise<unknown>>> },
): HttpHandler =>
  problemBoundary(deps, async () => {
    const names = Object.keys(deps.probes)
    const results = await Promise.allSettled(names.map((name) => deps.probes[name]?.()))
    const stores = Object.fromEntries(
      names.map((name, i) => [name, results[i]?.status === 'fulfilled' ? 'ok' : 'down']),
    )
    const ok = results.every((result) => result.status === 'fulfilled')
    return { status: ok ? 200 : 503, jsonBody: { status: ok ? 'ok' : 'degraded', stores } }
  })
