import type { Lifetimes } from '../../session/policy.ts'
import { createContainmentLedger } from '../tables/containment-ledger.ts'
import { createDeviceTokens } from '../tables/device-tokens.ts'
import { createKnownDevices } from '../tables/known-devices.ts'
import { createLastPlaces } from '../tables/last-places.ts'
import { createSessionLedger } from '../tables/session-ledger.ts'
import { createMemoryAttempts } from './attempts.ts'
import { createMemoryBlockList } from './block-list.ts'
import { createMemoryContainmentCap } from './containment-cap.ts'
import { createMemoryEntrances } from './entrances.ts'
import { createMemoryLeases } from './leases.ts'
import { createMemorySessions } from './live-sessions.ts'
import { createMemoryPendingMfas } from './pending-mfas.ts'
import { createMemoryRegistrations } from './registrations.ts'
import { createMemoryReplayCache } from './replay-cache.ts'
import { createMemorySpace } from './space.ts'
import { createMemoryTables, type Perform } from './tables.ts'
import { createMemoryThrottle } from './throttle.ts'
import { createMemoryUsers } from './users.ts'

export interface MemoryStoresOptions {
  /** epoch ms; the one clock of all of them, which ends leases, windows and half sign-ins */
  now: () => number
  lifetimes: Lifetimes
  /** See {@link createMemoryTables}. */
  perform?: Perform | undefined
}

/**
 * Every port of the stores in this process alone, under the names that the deps of both hosts have. Those of Tables are
 * the real ledgers over tables in memory; the others pass the contract suites of the real ones.
 */
export function createMemoryStores({ now, lifetimes, perform }: MemoryStoresOptions) {
  const [postgres, redis, tables] = [createMemorySpace(), createMemorySpace(), createMemoryTables(perform)]
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
    /** What Redis holds: to be lost, or put back as it was. */
    redis,
    tables,
  }
}

const redisPorts = (now: () => number, lifetimes: Lifetimes, space: ReturnType<typeof createMemorySpace>) => ({
  sessions: createMemorySessions(lifetimes),
  throttle: createMemoryThrottle(now, space),
  attempts: createMemoryAttempts(space),
  blocks: createMemoryBlockList(space),
  entrances: createMemoryEntrances(space),
  pendingMfas: createMemoryPendingMfas(now, space),
  replays: createMemoryReplayCache(now, space),
  cap: createMemoryContainmentCap(space),
  leases: createMemoryLeases(now, space),
})
