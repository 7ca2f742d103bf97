import { deviceTokenKeys } from '../shared/auth/device-token.ts'
import type { FunctionsConfig } from '../shared/config.ts'
import { blockable } from '../shared/containment/policy.ts'
import type { ServiceLog } from '../shared/log.ts'
import { localKeys } from '../shared/session/keys.ts'
import { lifetimesOf } from '../shared/session/policy.ts'
import type { PresentDeps } from '../shared/session/present.ts'
import { Sightings } from '../shared/session/sightings.ts'
import { createIssuer, createVerifier } from '../shared/session/token.ts'
import { revokeKeys, webKeys } from '../shared/signature.ts'
import type { AttemptDeps } from './auth/attempt.ts'
import type { ConfirmDeps } from './auth/confirm.ts'
import type { CredentialDeps } from './auth/credentials.ts'
import type { HistoryDeps } from './auth/history.ts'
import type { LoginDeps } from './auth/login.ts'
import type { EnrolDeps, VerifyMfaDeps } from './auth/mfa.ts'
import type { RegisterDeps } from './auth/register.ts'
import type { SessionDeps } from './auth/session-handler.ts'
import type { ContainWebhookDeps } from './contain/handler.ts'
import type { HealthDeps } from './health.ts'
import type { BoundaryDeps } from './http.ts'
import type { ClosableLog } from './log.ts'
import { type FunctionsParts, type FunctionsStores, openParts } from './parts.ts'
import type { SweepDeps } from './sweep/sweep.ts'

/** What each use case needs. A group lists everything that its use case can reach. */
export interface FunctionsDeps {
  /** Check, renew, list and end sessions. */
  session: SessionDeps
  /** Register, sign in, and change the password or the second factor. */
  auth: AuthDeps
  /** Carry out the containment of an alert. */
  contain: ContainWebhookDeps
  /** Finish what was left: containments, alerts whose webhook was lost, raised epochs, expired rows. */
  sweep: SweepDeps
  health: HealthDeps
  /** What the use cases share; also for the operator's command line. */
  stores: FunctionsStores
  close: () => Promise<void>
}

/**
 * Builds everything that the functions need, once per process.
 * @param paths of the built hash worker; the worker that judges new passwords is in the same folder
 * @throws ConfigError if a file of the configuration cannot be read
 */
export const createDeps = (
  config: FunctionsConfig,
  paths: { hashWorker: string },
  log?: ServiceLog & Partial<ClosableLog>,
): FunctionsDeps => composeDeps(config, openParts(config, paths, log))

export type AuthDeps = RegisterDeps &
  HistoryDeps &
  ConfirmDeps &
  LoginDeps &
  VerifyMfaDeps &
  EnrolDeps &
  CredentialDeps &
  PresentDeps &
  AttemptDeps &
  BoundaryDeps

export function composeDeps(config: FunctionsConfig, parts: FunctionsParts): FunctionsDeps {
  const session = sessionDeps(config, parts)
  const contain = containDeps(config, parts)
  const { stores, probes, log, now, close } = parts
  return {
    session,
    auth: authDeps(config, session, parts),
    contain,
    sweep: sweepDeps(config, contain, parts),
    health: { probes, now, error: log.error },
    stores,
    close,
  }
}

function sessionDeps(config: FunctionsConfig, { stores, log, now }: FunctionsParts): SessionDeps {
  const { users, sessions, ledger, replays } = stores
  const { idleSeconds, renewSeconds } = lifetimesOf(config)
  const { SESSION_SIGNING_KEYS: signingKeys } = config
  return {
    users,
    sessions,
    ledger,
    replays,
    sightings: new Sightings(),
    issueToken: createIssuer(signingKeys[0]),
    verifyToken: createVerifier(localKeys(signingKeys)),
    signingKeys,
    deviceKeys: config.DEVICE_HASH_KEY,
    webKeys: webKeys(config.ATO_HMAC_SECRET),
    binding: config.SESSION_DEVICE_BINDING,
    idleSeconds,
    renewSeconds,
    lab: config.ATO_LAB,
    absoluteSeconds: config.SESSION_ABSOLUTE_SECONDS,
    warn: log.warn,
    emit: log.emit,
    error: log.error,
    now,
  }
}

function authDeps(config: FunctionsConfig, session: SessionDeps, parts: FunctionsParts): AuthDeps {
  const {
    users,
    registrations,
    devices,
    deviceTokens,
    places,
    throttle,
    attempts,
    blocks,
    recentSignIns,
    pendingMfas,
  } = parts.stores
  return {
    ...session,
    users,
    registrations,
    devices,
    deviceTokens,
    places,
    throttle,
    attempts,
    blocks,
    recentSignIns,
    pendingMfas,
    passwords: parts.passwords,
    locate: parts.locate,
    countryOf: parts.countryOf,
    notify: parts.notify,
    deviceTokenKeys: deviceTokenKeys(config.DEVICE_HASH_KEY),
    totpKeys: config.TOTP_KEY,
    webOrigin: config.WEB_ORIGIN,
    canaries: new Set(config.CANARY_ADDRESSES),
  }
}

function containDeps(config: FunctionsConfig, { stores, log, fetch, now }: FunctionsParts): ContainWebhookDeps {
  const { users, sessions, ledger, deviceTokens, containments, blocks, recentSignIns, cap } = stores
  return {
    users,
    sessions,
    ledger,
    deviceTokens,
    containments,
    blocks,
    recentSignIns,
    cap,
    webhookSecrets: config.ATO_WEBHOOK_SECRET,
    keys: revokeKeys(config.ATO_HMAC_SECRET),
    webOrigin: config.WEB_ORIGIN,
    absoluteSeconds: config.SESSION_ABSOLUTE_SECONDS,
    capLimit: config.CONTAIN_CAP,
    capSourceShare: config.CONTAIN_CAP_SOURCE,
    mayBlock: blockable(config.EGRESS_ADDRESSES),
    observes: (detection) => config.CONTAIN_MODE.get(detection) === 'observe',
    fetch,
    emit: log.emit,
    error: log.error,
    warn: log.warn,
    now,
  }
}

function sweepDeps(
  config: FunctionsConfig,
  contain: ContainWebhookDeps,
  { stores, openAlerts, log }: FunctionsParts,
): SweepDeps {
  const { users, registrations, sessions, ledger, containments, leases } = stores
  return {
    ...contain,
    users,
    registrations,
    sessions,
    ledger,
    containments,
    leases,
    openAlerts,
    absoluteSeconds: config.SESSION_ABSOLUTE_SECONDS,
    retentionMs: config.LEDGER_RETENTION_DAYS * 86_400_000,
    error: log.error,
  }
}
