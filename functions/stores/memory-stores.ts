import type { Lifetimes } from '../../shared/session/policy.ts'
import { createMemoryAttempts } from '../../shared/stores/memory/attempts.ts'
import { createMemoryBlockList } from '../../shared/stores/memory/block-list.ts'
import { createMemoryContainmentCap } from '../../shared/stores/memory/containment-cap.ts'
import { createMemoryLeases } from '../../shared/stores/memory/leases.ts'
import { createMemorySessions } from '../../shared/stores/memory/live-sessions.ts'
import { createMemoryPendingMfas } from '../../shared/stores/memory/pending-mfas.ts'
import { createMemoryRecentSignIns } from '../../shared/stores/memory/recent-sign-ins.ts'
import { createMemoryRegistrations } from '../../shared/stores/memory/registrations.ts'
import { createMemoryReplayCache } from '../../shared/stores/memory/replay-cache.ts'
import { createMemorySpace } from '../../shared/stores/memory/space.ts'
import { createMemoryTables, type Perform } from '../../shared/stores/memory/tables.ts'
import { createMemoryThrottle } from '../../shared/stores/memory/throttle.ts'
import { createMemoryUsers } from '../../shared/stores/memory/users.ts'
import { createSessionLedger } from '../../shared/stores/tables/session-ledger.ts'
import { createContainmentLedger } from './tables/containment-ledger.ts'
import { createDeviceTokens } from './tables/device-tokens.ts'
import { createKnownDevices } from './tables/known-devices.ts'
import { createLastPlaces } from './tables/last-places.ts'

export interface MemoryStoresOptions {
  /** epoch ms; the clock of all stores, which ends leases, windows and half sign-ins */
  now: () => number
  lifetimes: Lifetimes
  /** See {@link createMemoryTables}. */
  perform?: Perform | undefined
}

/**
 * Every store port in this process only, under the names in the deps of both hosts. Those of Tables are the real
 * ledgers over tables in memory; the others pass the contract suites of the real stores.
 */
export function createMemoryStores({ now, lifetimes, perform }: MemoryStoresOptions) {
  const [postgres, redis, tables] = [createMemorySpace(), createMemorySpace(), createMemoryTables({ perform, now })]
  const users = createMemoryUsers(postgres)
  return {
    users,
    registrations: createMemoryRegistrations(users, postgres),
    ...redisPorts(now, lifetimes, redis),
    ledger: createSessionLedger(tables),
    devices: createKnownDevices(tables),
    deviceTokens: createDeviceTokens(tables),
    places: createLastPlaces(tables),
    containments: createContainmentLedger(tables),
    /** The data of Redis, which can be lost or restored. */
    redis,
    tables,
  }
}

const redisPorts = (now: () => number, lifetimes: Lifetimes, space: ReturnType<typeof createMemorySpace>) => ({
  sessions: createMemorySessions(lifetimes),
  throttle: createMemoryThrottle(now, space),
  attempts: createMemoryAttempts(space),
  blocks: createMemoryBlockList(space),
  recentSignIns: createMemoryRecentSignIns(space),
  pendingMfas: createMemoryPendingMfas(now, space),
  replays: createMemoryReplayCache(now, space),
  cap: createMemoryContainmentCap(space),
  leases: createMemoryLeases(now, space),
})
