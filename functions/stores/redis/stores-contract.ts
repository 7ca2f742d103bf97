import type { Redis } from 'ioredis'
import { attemptsContract } from '../../../shared/stores/contract/attempts.ts'
import { blockListContract } from '../../../shared/stores/contract/block-list.ts'
import { containmentCapContract } from '../../../shared/stores/contract/containment-cap.ts'
import { leasesContract } from '../../../shared/stores/contract/leases.ts'
import { pendingMfasContract } from '../../../shared/stores/contract/pending-mfas.ts'
import { recentSignInsContract } from '../../../shared/stores/contract/recent-sign-ins.ts'
import { replayCacheContract } from '../../../shared/stores/contract/replay-cache.ts'
import { throttleContract } from '../../../shared/stores/contract/throttle.ts'
import { createLeases } from '../../../shared/stores/redis/leases.ts'
import { createReplayCache } from '../../../shared/stores/redis/replay-cache.ts'
import { createAttempts } from './attempts.ts'
import { createBlockList } from './block-list.ts'
import { createContainmentCap } from './containment-cap.ts'
import { createPendingMfas } from './pending-mfas.ts'
import { createRecentSignIns } from './recent-sign-ins.ts'
import { createThrottle } from './throttle.ts'

/** The contract of every Redis store, on one server and on a cluster. */
export function redisStoresContract(redis: Redis): void {
  throttleContract(createThrottle(redis))
  replayCacheContract(createReplayCache(redis))
  blockListContract(createBlockList(redis))
  pendingMfasContract(createPendingMfas(redis))
  containmentCapContract(createContainmentCap(redis))
  leasesContract(createLeases(redis))
  attemptsContract(createAttempts(redis))
  recentSignInsContract(createRecentSignIns(redis))
}
