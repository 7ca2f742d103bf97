import type { Risk } from '../../shared/event.ts'
import type { Place } from '../../shared/geo/place.ts'
import type { KnownDevice, LastPlace } from '../../shared/stores/port.ts'
import type { Device } from './devices.ts'

/** How long a one-time code is the current one. @see RFC 6238 */
export const CODE_MS = 30_000

/** A login: an account's, or a slip that is nobody's. */
export interface Login {
  readonly email: string
  readonly hash: string
}

export interface Account extends Login {
  readonly id: string
  /** Names it: what two people chose alike has one name. */
  password: string
  secondFactor: boolean
  /** The newest code that was accepted: of which half minute. */
  usedStep: number
  /** Kinds of devices, by hash. */
  readonly devices: Map<string, KnownDevice>
  /** Devices that hold a token of the account. */
  readonly tokens: Map<Device, KnownDevice>
  /** Whether it has ever given one out. */
  hasIssued: boolean
  place: LastPlace | undefined
  readonly sessions: Set<Session>
}

/** Who asks, from where, and at which door. */
export interface Visitor {
  readonly device: Device
  readonly address: string
  readonly place: Place | undefined
  readonly via: 'web' | 'api'
}

export interface Session {
  readonly sid: string
  readonly account: Account
  readonly issuedAt: number
  authenticatedAt: number
  seenAt: number
  /** When its token was last replaced. */
  renewedAt: number
  /** As in shared/stores/port.ts. */
  newDeviceSince: number | undefined
  revoked: 'contained' | 'ended_elsewhere' | 'password_changed' | undefined
  /** When each address was last told. */
  readonly sightings: Map<string, number>
}

export interface Pending {
  readonly account: Account
  readonly risk: readonly Risk[]
  readonly until: number
  tries: number
}

export type SignIn =
  | { kind: 'issued'; session: Session }
  | { kind: 'challenge'; pending: Pending }
  | { kind: 'refused' }
  | { kind: 'throttled' }
