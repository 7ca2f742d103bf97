import * as z from 'zod'
import type { WebConfig } from '../shared/config.ts'
import type { ServiceLog } from '../shared/log.ts'
import { remoteKeys } from '../shared/session/keys.ts'
import { openSessions } from '../shared/session/open.ts'
import { lifetimesOf } from '../shared/session/policy.ts'
import { Sightings } from '../shared/session/sightings.ts'
import { createVerifier } from '../shared/session/token.ts'
import { revokeKeys, webKeys } from '../shared/signature.ts'
import { openRedis, openTables } from '../shared/stores/open.ts'
import { createReplayCache } from '../shared/stores/redis/replay-cache.ts'
import { createSessionLedger } from '../shared/stores/tables/session-ledger.ts'
import { warnOfInsecureTls } from '../shared/stores/tls.ts'
import type { WebDeps } from './app.ts'
import { readAssets } from './built-assets.ts'
import { createCookies } from './cookies.ts'
import { createFunctionsClient, parseJson } from './functions-client.ts'
import { FunctionsDegraded } from './health.ts'
import { configureRum } from './rum.ts'
import { createStrangers } from './strangers.ts'

/** How far back web ends sessions again after Redis lost data; an older session is compared with the ledger. */
const DAY_SECONDS = 86_400

/**
 * Builds everything that web needs, once per process. Nothing is connected before its first use.
 * @param assets the folder of the built style and scripts
 * @throws if they are not built
 */
export function createDeps(
  config: WebConfig,
  { assets: folder, log, now = Date.now }: { assets: URL; log: ServiceLog; now?: () => number },
): WebDeps & { close(): Promise<void> } {
  const origin = config.FUNCTIONS_ORIGIN
  const redis = openRedis(config, (error) => log.error(error, 'redis connection'))
  const tables = openTables(config)
  const { warn, emit } = log
  const assets = readAssets(folder)
  warnOfInsecureTls(config, warn)
  const ledger = createSessionLedger(tables.tables)
  return {
    // stores
    sessions: openSessions(redis.redis, lifetimesOf(config), { ledger, absoluteSeconds: DAY_SECONDS, warn, now }),
    ledger,
    calls: { keys: revokeKeys(config.ATO_HMAC_SECRET), replays: createReplayCache(redis.redis) },
    // sessions
    verifyToken: createVerifier(remoteKeys(`${origin}/api/auth/jwks`, { fetch, now, warn })),
    sightings: new Sightings(),
    binding: config.SESSION_DEVICE_BINDING,
    deviceKeys: config.DEVICE_HASH_KEY,
    strangers: createStrangers(redis.redis),
    cookies: createCookies(config.WEB_ORIGIN),
    // the outside
    functions: createFunctionsClient({ origin, keys: webKeys(config.ATO_HMAC_SECRET), fetch, now, log }),
    webOrigin: config.WEB_ORIGIN,
    mailboxUrl: config.LAB_MAILBOX_URL,
    securityContact: config.SECURITY_CONTACT,
    lab: config.ATO_LAB,
    assets,
    rum: configureRum(config, assets),
    probes: { redis: redis.ping, tables: tables.ping, functions: () => askHealth(origin) },
    log,
    emit,
    now,
    close: async () => {
      await Promise.allSettled([redis.close(), tables.close()])
    },
  }
}

const Health = z.object({ stores: z.record(z.string().max(32), z.string().max(32)) })

/** @throws unless functions is well, with its explanation if it gives one */
async function askHealth(origin: string): Promise<void> {
  const response = await fetch(`${origin}/api/health`, { redirect: 'error', signal: AbortSignal.timeout(5_000) })
  const text = await response.text()
  if (response.ok) return
  const health = Health.safeParse(parseJson(text))
  if (!health.success) throw new Error(`functions answered ${response.status}`)
  throw new FunctionsDegraded(Object.keys(health.data.stores).filter((store) => health.data.stores[store] !== 'ok'))
}
