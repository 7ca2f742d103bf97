import { setTimeout as delay } from 'node:timers/promises'
import type { IndexedLog } from 'alertproof'
import type { Alert, SignalReport } from 'alertproof/notify'

const ASK_AGAIN_MS = 25
const MOST = 1000

/** What the stand-in has indexed, by the same log search that its monitors use. */
export interface Logs {
  search(query: string, limit?: number): Promise<IndexedLog[]>
  /** Searches repeatedly until `atLeast` logs are found, because no event reports a log's arrival. @returns what was found in time */
  await(query: string, atLeast: number, withinMs: number): Promise<IndexedLog[]>
  /** Every transition since then. @param since epoch ms */
  alertsSince(since: number): Promise<Alert[]>
  /** Every change of a signal since then. @param since epoch ms */
  signalsSince(since: number): Promise<SignalReport[]>
}

/** @throws from every method, when the stand-in does not answer or does not understand */
export function openLogs(datadogUrl: string, signal: AbortSignal): Logs {
  const get = async (path: string, parameters: Record<string, string>): Promise<unknown> => {
    const response = await fetch(`${datadogUrl}${path}?${new URLSearchParams(parameters)}`, { signal })
    if (!response.ok) throw new Error(`the stand-in answered ${response.status} to ${path}: ${await response.text()}`)
    return response.json()
  }
  const search: Logs['search'] = async (query, limit = MOST) => {
    const { logs } = (await get('/lab/logs', { query, limit: String(limit) })) as { logs: IndexedLog[] }
    return logs
  }
  return {
    search,
    async await(query, atLeast, withinMs) {
      const deadline = Date.now() + withinMs
      for (;;) {
        const found = await search(query)
        if (found.length >= atLeast || Date.now() > deadline) return found
        await delay(ASK_AGAIN_MS, undefined, { signal })
      }
    },
    async alertsSince(since) {
      const { alerts } = (await get('/lab/alerts', { since: String(since) })) as { alerts: Alert[] }
      return alerts
    },
    async signalsSince(since) {
      const { signals } = (await get('/lab/signals', { since: String(since) })) as { signals: SignalReport[] }
      return signals
    },
  }
}
