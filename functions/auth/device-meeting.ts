import { type DeviceTokenKeys, findDeviceToken, newDeviceId, writeDeviceToken } from '../../shared/auth/device-token.ts'
import { networkOf } from '../../shared/client/address.ts'
import type { Client } from '../../shared/client/client.ts'
import type { Risk } from '../../shared/event.ts'
import type {
  BlockList,
  DeviceTokens,
  KnownDevice,
  KnownDevices,
  TrustedDevice,
  User,
  Users,
} from '../../shared/stores/port.ts'
import { type EntranceDeps, entranceOf, isSettled } from './entrance.ts'
import { isNewDevice } from './new-device.ts'

export interface MeetingDeps {
  users: Pick<Users, 'expectDeviceTokens'>
  devices: KnownDevices
  deviceTokens: DeviceTokens
  deviceTokenKeys: DeviceTokenKeys
  now: () => number
}

/** What a client says of itself at a sign-in. */
export interface Introduction {
  /** Tokens that it holds, of this account or of others. */
  deviceToken?: string | undefined
  /** Whether it asks for a token, to be known by from then on. */
  rememberDevice?: boolean | undefined
}

/** A device that presented a token of the very account which it signs in to. */
export type Holder = TrustedDevice & { id: string }

/** What an account knows of a device when it arrives. */
export interface Recognition {
  holder: Holder | undefined
  /** Whether it presented a token with our signature, be it a revoked one: then the account has issued one. */
  presented: boolean
}

type RecognitionDeps = Pick<MeetingDeps, 'deviceTokens' | 'deviceTokenKeys' | 'now'>

/**
 * Forged, foreign, revoked and replaced tokens count as no token. The store is asked only about a token with our signature
 * for this very account, so that neither the time it takes nor a store that is down tells a stranger whether there is an
 * account.
 */
export async function recognise(
  { deviceToken }: Introduction,
  userId: string | undefined,
  deps: RecognitionDeps,
): Promise<Recognition> {
  const token = userId === undefined ? undefined : findDeviceToken(deviceToken, userId, deps.deviceTokenKeys)
  if (!token) return { holder: undefined, presented: false }
  const device = await deps.deviceTokens.find(token.userId, token.id, new Date(deps.now()))
  return { holder: device && { ...device, id: token.id }, presented: true }
}

/**
 * Whether the client's network is blocked: a block spares devices with a token of the account, because people behind the
 * attacker's address must get in.
 * @param spared whether the device has such a token; asked only where there is a block
 */
export async function isBlocked(
  { ip }: Client,
  spared: () => boolean | Promise<boolean>,
  deps: { blocks: Pick<BlockList, 'blockedBy'>; now: () => number },
): Promise<boolean> {
  const block = await deps.blocks.blockedBy(networkOf(ip), deps.now())
  return block !== undefined && !(await spared())
}

/** Reads the token anew: a block takes back those that it is for. */
export async function holdsToken(
  introduction: Introduction,
  userId: string | undefined,
  deps: RecognitionDeps,
): Promise<boolean> {
  return (await recognise(introduction, userId, deps)).holder !== undefined
}

/** A device whose password was right. */
export interface Arriving extends Recognition {
  user: Pick<User, 'id' | 'deviceTokens'>
  deviceHash: string
}

/** Whether the account has issued tokens: from then on only they make a device known. */
const hasIssued = async (
  { user, presented }: Pick<Arriving, 'user' | 'presented'>,
  { deviceTokens }: Pick<MeetingDeps, 'deviceTokens'>,
): Promise<boolean> => presented || (user.deviceTokens && (await deviceTokens.hasIssued(user.id)))

/**
 * Whether the account knows the device: by its token, or by its kind as long as the account has given no token out.
 */
export async function isKnown(
  arriving: Arriving,
  deps: Pick<MeetingDeps, 'devices' | 'deviceTokens'>,
): Promise<boolean> {
  const { user, deviceHash, holder } = arriving
  if (holder) return true
  return !(await hasIssued(arriving, deps)) && (await deps.devices.find(user.id, deviceHash)) !== undefined
}

/** A device at a sign-in that is about to succeed. */
export interface Meeting {
  /** Whether the account knew it before. */
  known: boolean
  /** Whether the account met it just now, and had another one before. */
  isNew: boolean
  /** epoch ms; see `NewSession.newDeviceSince` */
  newDeviceSince: number | undefined
  /** Of the token that it is given, if it asked for one or came with one. */
  lineage: string | undefined
  /** Whether it came with a token of the account. */
  returning: boolean
  /** Whether that token is of before any attack of now. */
  settled: boolean
  /**
   * The sign-in succeeded: the token that was replaced expires soon. A sign-in with a verdict gets no new token, so the
   * device is judged again next time.
   * @param risk what is odd about it
   * @returns the token for the device to keep
   */
  confirm(risk: readonly Risk[]): Promise<string | undefined>
  /** The sign-in failed: forgets what was remembered for it. */
  undo(): Promise<void>
}

/**
 * Meets a device: remembers its kind, and gives it a token of its own, or a successor of the one that it presented. The
 * old one goes on for a few minutes, so that a lost answer costs nobody their device.
 */
export async function meetDevice(arriving: Arriving, asks: boolean, deps: MeetingDeps): Promise<Meeting> {
  const { user, deviceHash, holder } = arriving
  const userId = user.id
  const now = new Date(deps.now())
  const onlyTokens = await hasIssued(arriving, deps)
  const kind = await deps.devices.remember(userId, deviceHash, now)
  const device: KnownDevice & { isNew: boolean } = holder
    ? { ...holder, isNew: false }
    : onlyTokens
      ? { since: now, isFirst: false, isNew: true }
      : kind
  const id = asks || holder ? newDeviceId() : undefined
  const forgetKind = async () => {
    if (kind.isNew) await deps.devices.forget(userId, deviceHash)
  }
  const lineage = id === undefined ? undefined : (holder?.lineage ?? newDeviceId())
  let issued = { isFirst: false }
  if (id !== undefined && lineage !== undefined) {
    const { since, isFirst } = device
    const trusted = { lineage, since, isFirst, givenAt: holder?.givenAt ?? now }
    try {
      if (!user.deviceTokens) await deps.users.expectDeviceTokens(userId)
      issued = await deps.deviceTokens.issue(userId, id, trusted, now, holder?.id)
    } catch (error) {
      await forgetKind()
      throw error
    }
  }
  return {
    known: !device.isNew,
    isNew: device.isNew && !device.isFirst,
    newDeviceSince: isNewDevice(device, now.getTime()) ? device.since.getTime() : undefined,
    lineage,
    returning: holder !== undefined,
    settled: holder !== undefined && isSettled(holder.givenAt.getTime(), now.getTime()),
    confirm: async (risk) => {
      if (id === undefined) return undefined
      if (holder) await deps.deviceTokens.retire(userId, holder.id, now)
      else if (risk.length > 0) {
        await deps.deviceTokens.withdraw(userId, id, issued)
        return undefined
      }
      return writeDeviceToken({ userId, id }, deps.deviceTokenKeys)
    },
    undo: async () => {
      await Promise.all([forgetKind(), id === undefined ? undefined : deps.deviceTokens.withdraw(userId, id, issued)])
    },
  }
}

/** What a block of the network ends, unless the device is the owner's: the session, and the token that came with it. */
export const announcementOf = (
  { settled, isNew, lineage, returning }: Meeting,
  userId: string,
  risk: readonly Risk[],
  client: Client,
  deps: EntranceDeps,
) => (settled ? undefined : entranceOf({ userId, odd: isNew || risk.length > 0, lineage, returning }, client, deps))
