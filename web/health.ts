import type { RequestHandler } from 'express'
import { within } from '../shared/bounded.ts'
import type { ServiceLog } from '../shared/log.ts'

const PROBE_MS = 1_500

/** Each part that pages need, and how to ask whether it answers; a probe that throws says no. */
export type Probes = Readonly<Record<string, () => Promise<unknown>>>

/** `GET /__health`: this process answers. It asks nobody: a restart would not mend a store. */
export const health: RequestHandler = (_request, response) => {
  response.json({ status: 'ok' })
}

/** `GET /__ready`: 200 once every part answers, else 503, with each part's state. Asked at once, for a bounded time. */
export const ready =
  (deps: { probes: Probes; log: Pick<ServiceLog, 'warn'> }): RequestHandler =>
  async (_request, response) => {
    const states = await Promise.all(
      Object.entries(deps.probes).map(async ([part, probe]) => {
        try {
          await within(PROBE_MS, Promise.resolve().then(probe))
          return [part, 'up'] as const
        } catch (error) {
          deps.log.warn('a part is not ready', { part, fault: error instanceof Error ? error.name : 'unknown' })
          return [part, 'down'] as const
        }
      }),
    )
    const isReady = states.every(([, state]) => state === 'up')
    if (!isReady) response.set('retry-after', '5')
    response
      .status(isReady ? 200 : 503)
      .json({ status: isReady ? 'ready' : 'unready', parts: Object.fromEntries(states) })
  }
