/**
 * The stores as the domain sees them, one file each. Every implementation passes its suite in contract/. Times are
 * `Date`s or epoch milliseconds of the caller. No store reads a clock, except for a TTL that only cleans up what is
 * over by its own value.
 */

// Postgres: the system of record

export type * from './ports/registrations.ts'
export type * from './ports/users.ts'

// Redis: what is live

export type * from './ports/attempts.ts'
export type * from './ports/block-list.ts'
export type * from './ports/containment-cap.ts'
export type * from './ports/leases.ts'
export type * from './ports/live-sessions.ts'
export type * from './ports/pending-mfas.ts'
export * from './ports/recent-sign-ins.ts'
export type * from './ports/replay-cache.ts'
export type * from './ports/revocation.ts'
export type * from './ports/throttle.ts'

// Azure Tables: what is remembered

export type * from './ports/containment-ledger.ts'
export type * from './ports/device-tokens.ts'
export type * from './ports/known-devices.ts'
export type * from './ports/last-places.ts'
export type * from './ports/session-ledger.ts'
