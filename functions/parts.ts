import type { Redis } from 'ioredis'
import type pg from 'pg'
import { serviceWords } from '../shared/auth/password-policy.ts'
import type { FunctionsConfig } from '../shared/config.ts'
import type { CountryLookup, GeoLookup } from '../shared/geo/place.ts'
import type { ServiceLog } from '../shared/log.ts'
import type { Probes } from '../shared/probes.ts'
import { openSessions } from '../shared/session/open.ts'
import { lifetimesOf } from '../shared/session/policy.ts'
import { openPostgres, openRedis, openTables } from '../shared/stores/open.ts'
import { createLeases } from '../shared/stores/redis/leases.ts'
import { createReplayCache } from '../shared/stores/redis/replay-cache.ts'
import type { Tables } from '../shared/stores/tables/client.ts'
import { createSessionLedger } from '../shared/stores/tables/session-ledger.ts'
import { warnOfInsecureTls } from '../shared/stores/tls.ts'
import { createGeoLookup } from './geo/lookup.ts'
import { type ClosableLog, createFunctionsLog } from './log.ts'
import type { Notify } from './notify/port.ts'
import { createMailer } from './notify/smtp.ts'
import { createHashPool } from './passwords/hash-pool.ts'
import { createPasswords, type Passwords } from './passwords/passwords.ts'
import { createRegistrations } from './stores/postgres/registrations.ts'
import { createUsers } from './stores/postgres/users.ts'
import { createAttempts } from './stores/redis/attempts.ts'
import { createBlockList } from './stores/redis/block-list.ts'
import { createContainmentCap } from './stores/redis/containment-cap.ts'
import { createPendingMfas } from './stores/redis/pending-mfas.ts'
import { createRecentSignIns } from './stores/redis/recent-sign-ins.ts'
import { createThrottle } from './stores/redis/throttle.ts'
import { createContainmentLedger } from './stores/tables/containment-ledger.ts'
import { createDeviceTokens } from './stores/tables/device-tokens.ts'
import { createKnownDevices } from './stores/tables/known-devices.ts'
import { createLastPlaces } from './stores/tables/last-places.ts'
import { type OpenAlerts, openAlertsFrom } from './sweep/alerts.ts'

/** Everything that the use cases share: the stores, the password workers, and what is outside this process. */
export interface FunctionsParts {
  stores: FunctionsStores
  passwords: Passwords
  openAlerts: OpenAlerts | undefined
  locate: GeoLookup
  countryOf: CountryLookup
  notify: Notify
  log: ServiceLog
  fetch: typeof fetch
  /** epoch ms */
  now: () => number
  probes: Probes
  close: () => Promise<void>
}

export type FunctionsStores = ReturnType<typeof storesOver>

/**
 * Opens the stores and starts the workers, once per process.
 * @param paths of the built hash worker; the worker that judges new passwords is in the same folder
 * @throws ConfigError if a file of the configuration cannot be read
 */
export function openParts(
  config: FunctionsConfig,
  paths: { hashWorker: string },
  log: ServiceLog & Partial<ClosableLog> = createFunctionsLog(config),
): FunctionsParts {
  const { locate, countryOf } = createGeoLookup(config)
  const onError = (store: string) => (error: Error) => log.error(error, `${store} connection`)
  const postgres = openPostgres(config, onError('postgres'))
  const redis = openRedis(config, onError('redis'))
  const tables = openTables(config)
  const pool = createHashPool(paths.hashWorker, { queueLimit: config.HASH_QUEUE })
  const service = serviceWords(new URL(config.WEB_ORIGIN).hostname)
  const mailer = createMailer(config, log.error)
  warnOfInsecureTls(config, log.warn)
  return {
    stores: storesOver(config, { postgres: postgres.pool, redis: redis.redis, tables: tables.tables, warn: log.warn }),
    passwords: createPasswords(pool, config.PASSWORD_PEPPER, config.BCRYPT_COST, service),
    openAlerts: openAlertsFrom(config, Date.now),
    locate,
    countryOf,
    notify: mailer.notify,
    log,
    fetch,
    now: Date.now,
    probes: { postgres: postgres.ping, redis: redis.ping, tables: tables.ping },
    close: async () => {
      await mailer.close() // delivers the accepted mails
      await Promise.allSettled([pool.close(), postgres.close(), redis.close(), tables.close(), log.close?.()])
    },
  }
}

function storesOver(
  config: FunctionsConfig,
  { postgres, redis, tables, warn }: { postgres: pg.Pool; redis: Redis; tables: Tables; warn: ServiceLog['warn'] },
) {
  const users = createUsers(postgres)
  const ledger = createSessionLedger(tables)
  const absoluteSeconds = config.SESSION_ABSOLUTE_SECONDS
  return {
    users,
    registrations: createRegistrations(postgres),
    sessions: openSessions(redis, lifetimesOf(config), { users, ledger, absoluteSeconds, warn, now: Date.now }),
    ledger,
    devices: createKnownDevices(tables),
    deviceTokens: createDeviceTokens(tables),
    places: createLastPlaces(tables),
    containments: createContainmentLedger(tables),
    throttle: createThrottle(redis),
    attempts: createAttempts(redis),
    blocks: createBlockList(redis),
    recentSignIns: createRecentSignIns(redis),
    pendingMfas: createPendingMfas(redis),
    replays: createReplayCache(redis),
    cap: createContainmentCap(redis),
    leases: createLeases(redis),
  }
}
