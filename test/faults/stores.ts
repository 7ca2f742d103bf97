import { inject } from 'vitest'
import { addressIn, type FaultProxy, httpAnswer, redisAnswer, startProxy, through } from './proxy.ts'

const VARIABLES = {
  postgres: ['DATABASE_URL', 'databaseUrl'],
  redis: ['REDIS_URL', 'redisUrl'],
  tables: ['TABLES_CONNECTION', 'tablesConnection'],
} as const
export type Store = keyof typeof VARIABLES

/** A fault, put on a store by its proxy. */
export type StoreFault<S extends Store = Store> = [store: S, what: string, become: (proxy: FaultProxy) => Promise<void>]

const PAGE = '<html><body>canary</body></html>'
const JSON_OF_SERVICE = { 'content-type': 'application/json;odata=minimalmetadata', 'x-ms-version': '2019-02-02' }
const BUSY = '{"odata.error":{"code":"ServerBusy","message":{"lang":"en-US","value":"canary"}}}'

export const redisSays = (line: string) => (proxy: FaultProxy) => proxy.answer(redisAnswer(line))
/** An answer of the Tables service: JSON unless another body is given. */
export const tablesAnswer =
  (status: number, headers: Record<string, string> = {}, body = BUSY) =>
  (proxy: FaultProxy) =>
    proxy.answer(httpAnswer(status, { ...JSON_OF_SERVICE, ...headers }, body))
/** Something else answers in the store's place. */
export const webPage =
  (status = 200) =>
  (proxy: FaultProxy) =>
    proxy.answer(httpAnswer(status, { 'content-type': 'text/html' }, PAGE))

/** What the network, or a host that is busy, can do to any store. */
export const networkFaults = <S extends Store>(stores: readonly S[]): StoreFault<S>[] =>
  stores.flatMap((store): StoreFault<S>[] => [
    [store, 'hangs', (proxy) => proxy.hang()],
    [store, 'refuses connections', (proxy) => proxy.refuse()],
    [store, 'is slow by 2,500 ms each way', (proxy) => proxy.slow(2_500)],
    [store, 'has its connections cut', (proxy) => proxy.cut()],
  ])

/** A fault proxy in front of each store, and the environment of an app that reaches them through it. */
export async function proxyStores<S extends Store>(stores: readonly S[]) {
  const proxies = new Map<Store, FaultProxy>()
  const env: Record<string, string> = {}
  for (const store of stores) {
    const [variable, provided] = VARIABLES[store]
    const proxy = await startProxy(addressIn(inject(provided)))
    proxies.set(store, proxy)
    env[variable] = through(inject(provided), proxy)
  }
  return {
    env,
    of: (store: S): FaultProxy => {
      const proxy = proxies.get(store)
      if (!proxy) throw new Error(`There is no proxy in front of ${store}.`)
      return proxy
    },
    close: async () => {
      for (const proxy of proxies.values()) await proxy.close()
    },
  }
}
export type StoreProxies<S extends Store> = Awaited<ReturnType<typeof proxyStores<S>>>

/** @returns what `ask` came to, and how long it took */
export async function timed<T>(ask: () => Promise<T>): Promise<{ answer: T; tookMs: number }> {
  const startedAt = performance.now()
  const answer = await ask()
  return { answer, tookMs: performance.now() - startedAt }
}
