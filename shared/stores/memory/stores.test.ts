import { afterEach } from 'vitest'
import { attemptsContract } from '../contract/attempts.ts'
import { blockListContract } from '../contract/block-list.ts'
import { containmentCapContract } from '../contract/containment-cap.ts'
import { containmentLedgerContract } from '../contract/containment-ledger.ts'
import { deviceTokensContract } from '../contract/device-tokens.ts'
import { entrancesContract } from '../contract/entrances.ts'
import { knownDevicesContract } from '../contract/known-devices.ts'
import { lastPlacesContract } from '../contract/last-places.ts'
import { leasesContract } from '../contract/leases.ts'
import { LIFETIMES } from '../contract/live-sessions.ts'
import { pendingMfasContract } from '../contract/pending-mfas.ts'
import { registrationsContract } from '../contract/registrations.ts'
import { replayCacheContract } from '../contract/replay-cache.ts'
import { sessionLedgerContract } from '../contract/session-ledger.ts'
import { throttleContract } from '../contract/throttle.ts'
import { usersContract } from '../contract/users.ts'
import { createMemoryStores } from './stores.ts'

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
entrancesContract(stores.entrances)
usersContract(stores.users)
registrationsContract(stores.registrations, stores.users)
sessionLedgerContract(() => fresh().ledger)
containmentLedgerContract(() => fresh().containments)
knownDevicesContract(stores.devices)
deviceTokensContract(stores.deviceTokens)
lastPlacesContract(stores.places)
