import type { Redis } from 'ioredis'
import { attemptsContract } from '../contract/attempts.ts'
import { blockListContract } from '../contract/block-list.ts'
import { containmentCapContract } from '../contract/containment-cap.ts'
import { entrancesContract } from '../contract/entrances.ts'
import { leasesContract } from '../contract/leases.ts'
import { pendingMfasContract } from '../contract/pending-mfas.ts'
import { replayCacheContract } from '../contract/replay-cache.ts'
import { throttleContract } from '../contract/throttle.ts'
import { createAttempts } from './attempts.ts'
import { createBlockList } from './block-list.ts'
import { createContainmentCap } from './containment-cap.ts'
import { createEntrances } from './entrances.ts'
import { createLeases } from './leases.ts'
import { createPendingMfas } from './pending-mfas.ts'
import { createReplayCache } from './replay-cache.ts'
import { createThrottle } from './throttle.ts'

/** What every Redis store keeps to, whether one server holds the keys or a cluster. */
export function redisStoresContract(redis: Redis): void {
  throttleContract(createThrottle(redis))
  replayCacheContract(createReplayCache(redis))
  blockListContract(createBlockList(redis))
  pendingMfasContract(createPendingMfas(redis))
  containmentCapContract(createContainmentCap(redis))
  leasesContract(createLeases(redis))
  attemptsContract(createAttempts(redis))
  entrancesContract(createEntrances(redis))
}
