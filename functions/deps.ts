import type { Redis } from 'ioredis'
import type pg from 'pg'
import { deviceTokenKeys } from '../shared/auth/device-token.ts'
import { serviceWords } from '../shared/auth/password-policy.ts'
import type { FunctionsConfig } from '../shared/config.ts'
import { blockable } from '../shared/containment/policy.ts'
import type { GeoLookup } from '../shared/geo/place.ts'
import type { ServiceLog } from '../shared/log.ts'
import type { Probes } from '../shared/probes.ts'
import { localKeys } from '../shared/session/keys.ts'
import { openSessions } from '../shared/session/open.ts'
import type { Lifetimes } from '../shared/session/policy.ts'
import { Sightings } from '../shared/session/sightings.ts'
import { createIssuer, createVerifier } from '../shared/session/token.ts'
import { revokeKeys, webKeys } from '../shared/signature.ts'
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
import { createEntrances } from './stores/redis/entrances.ts'
import { createPendingMfas } from './stores/redis/pending-mfas.ts'
import { createThrottle } from './stores/redis/throttle.ts'
import { createContainmentLedger } from './stores/tables/containment-ledger.ts'
import { createDeviceTokens } from './stores/tables/device-tokens.ts'
import { createKnownDevices } from './stores/tables/known-devices.ts'
import { createLastPlaces } from './stores/tables/last-places.ts'
import { openAlertsFrom } from './sweep/alerts.ts'

export type FunctionsDeps = ReturnType<typeof composeDeps>

/** What the functions are built from: stores, workers and everything outside this process. */
export interface FunctionsParts {
  stores: ReturnType<typeof storesOver>
  passwords: Passwords
  openAlerts: ReturnType<typeof openAlertsFrom>
  locate: GeoLookup
  notify: Notify
  log: ServiceLog
  fetch: typeof fetch
  /** epoch ms */
  now: () => number
  probes: Probes
  close: () => Promise<void>
}

/**
 * Builds everything that the functions need, once per process.
 * @param paths of the built hash worker; the worker that judges new passwords is in the same folder
 * @throws ConfigError if a file of the configuration cannot be read
 */
export function createDeps(
  config: FunctionsConfig,
  paths: { hashWorker: string },
  log: ServiceLog & Partial<ClosableLog> = createFunctionsLog(config),
): FunctionsDeps {
  const locate = createGeoLookup(config)
  const onError = (store: string) => (error: Error) => log.error(error, `${store} connection`)
  const postgres = openPostgres(config, onError('postgres'))
  const redis = openRedis(config, onError('redis'))
  const tables = openTables(config)
  const pool = createHashPool(paths.hashWorker, { queueLimit: config.HASH_QUEUE })
  const service = serviceWords(new URL(config.WEB_ORIGIN).hostname)
  const mailer = createMailer(config, log.error)
  warnOfInsecureTls(config, log.warn)
  return composeDeps(config, {
    stores: storesOver(config, { postgres: postgres.pool, redis: redis.redis, tables: tables.tables, warn: log.warn }),
    passwords: createPasswords(pool, config.PASSWORD_PEPPER, config.BCRYPT_COST, service),
    openAlerts: openAlertsFrom(config, Date.now),
    locate,
    notify: mailer.notify,
    log,
    fetch,
    now: Date.now,
    probes: { postgres: postgres.ping, redis: redis.ping, tables: tables.ping },
    close: async () => {
      await mailer.close() // delivers the accepted mails
      await Promise.allSettled([pool.close(), postgres.close(), redis.close(), tables.close(), log.close?.()])
    },
  })
}

/** Each use case names the part of it that it uses. */
export function composeDeps(config: FunctionsConfig, { stores, log, ...parts }: FunctionsParts) {
  const [signingKey] = config.SESSION_SIGNING_KEYS
  return {
    // the domain's use cases
    ...stores,
    issueToken: createIssuer(signingKey),
    verifyToken: createVerifier(localKeys(config.SESSION_SIGNING_KEYS)),
    sightings: new Sightings(),
    // keys and settings
    signingKeys: config.SESSION_SIGNING_KEYS,
    deviceKeys: config.DEVICE_HASH_KEY,
    deviceTokenKeys: deviceTokenKeys(config.DEVICE_HASH_KEY),
    totpKeys: config.TOTP_KEY,
    webhookSecrets: config.ATO_WEBHOOK_SECRET,
    webKeys: webKeys(config.ATO_HMAC_SECRET),
    keys: revokeKeys(config.ATO_HMAC_SECRET),
    webOrigin: config.WEB_ORIGIN,
    binding: config.SESSION_DEVICE_BINDING,
    ...lifetimesOf(config),
    absoluteSeconds: config.SESSION_ABSOLUTE_SECONDS,
    canaries: new Set(config.CANARY_ADDRESSES),
    retentionMs: config.LEDGER_RETENTION_DAYS * 86_400_000,
    capLimit: config.CONTAIN_CAP,
    capSourceShare: config.CONTAIN_CAP_SOURCE,
    mayBlock: blockable(config.EGRESS_ADDRESSES),
    lab: config.ATO_LAB,
    // the outside
    ...parts,
    emit: log.emit,
    error: log.error,
    warn: log.warn,
  }
}

const lifetimesOf = (config: FunctionsConfig): Lifetimes => ({
  idleSeconds: config.SESSION_IDLE_SECONDS,
  renewSeconds: config.SESSION_RENEW_SECONDS,
  graceSeconds: config.SESSION_GRACE_SECONDS,
})

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
    entrances: createEntrances(redis),
    pendingMfas: createPendingMfas(redis),
    replays: createReplayCache(redis),
    cap: createContainmentCap(redis),
    leases: createLeases(redis),
  }
}
