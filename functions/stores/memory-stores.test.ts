import { afterEach } from 'vitest'
import { attemptsContract } from '../../shared/stores/contract/attempts.ts'
import { blockListContract } from '../../shared/stores/contract/block-list.ts'
import { containmentCapContract } from '../../shared/stores/contract/containment-cap.ts'
import { containmentLedgerContract } from '../../shared/stores/contract/containment-ledger.ts'
import { deviceTokensContract } from '../../shared/stores/contract/device-tokens.ts'
import { knownDevicesContract } from '../../shared/stores/contract/known-devices.ts'
import { lastPlacesContract } from '../../shared/stores/contract/last-places.ts'
import { leasesContract } from '../../shared/stores/contract/leases.ts'
import { LIFETIMES } from '../../shared/stores/contract/live-sessions.ts'
import { pendingMfasContract } from '../../shared/stores/contract/pending-mfas.ts'
import { recentSignInsContract } from '../../shared/stores/contract/recent-sign-ins.ts'
import { registrationsContract } from '../../shared/stores/contract/registrations.ts'
import { replayCacheContract } from '../../shared/stores/contract/replay-cache.ts'
import { sessionLedgerContract } from '../../shared/stores/contract/session-ledger.ts'
import { throttleContract } from '../../shared/stores/contract/throttle.ts'
import { usersContract } from '../../shared/stores/contract/users.ts'
import { createMemoryStores } from './memory-stores.ts'

let skippedMs = 0
const now = () => Date.now() + skippedMs
const advance = (ms: number) => {
  skippedMs += ms
}
const fresh = () => createMemoryStores({ now, lifetimes: LIFETIMES })
const stores = fresh()
afterEach(() => {
  skippedMs = 0
})

throttleContract(stores.throttle, advance)
replayCacheContract(stores.replays)
blockListContract(stores.blocks)
pendingMfasContract(stores.pendingMfas, advance)
containmentCapContract(stores.cap)
leasesContract(stores.leases, advance)
attemptsContract(stores.attempts)
recentSignInsContract(stores.recentSignIns)
usersContract(stores.users)
registrationsContract(stores.registrations, stores.users)
sessionLedgerContract(() => fresh().ledger)
containmentLedgerContract(() => fresh().containments)
knownDevicesContract(stores.devices)
deviceTokensContract(stores.deviceTokens)
lastPlacesContract(stores.places)
