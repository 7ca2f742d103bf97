import { type DeviceTokenKeys, findDeviceToken, newDeviceId, writeDeviceToken } from '../../shared/auth/device-token.ts'
import { networkOf } from '../../shared/client/address.ts'
import type { Client } from '../../shared/client/client.ts'
import type { Risk } from '../../shared/event.ts'
import type { ServiceLog } from '../../shared/log.ts'
import type {
  BlockList,
  DeviceTokens,
  KnownDevice,
  KnownDevices,
  TrustedDevice,
  User,
  Users,
} from '../../shared/stores/port.ts'
import { isNewDevice } from './new-device.ts'
import { isSettled, type RecentSignInDeps, recordSignIn } from './recent-sign-in.ts'

export interface SignInDeviceDeps {
  users: Pick<Users, 'expectDeviceTokens' | 'findById'>
  devices: KnownDevices
  deviceTokens: DeviceTokens
  deviceTokenKeys: DeviceTokenKeys
  error: ServiceLog['error']
  now: () => number
}

/** What a client presents at a sign-in. */
export interface DeviceFields {
  /** Its device tokens, of this account or of others. */
  deviceToken?: string | undefined
  /** Whether it asks for a token, so that it is known from then on. */
  rememberDevice?: boolean | undefined
}

/** A device that presented a token of the account. */
export type Holder = TrustedDevice & { id: string }

/** What an account knows about an arriving device. */
export interface Recognition {
  holder: Holder | undefined
  /** Whether it presented a token with our signature, possibly a revoked one. The account has then issued one. */
  presented: boolean
}

type RecognitionDeps = Pick<SignInDeviceDeps, 'deviceTokens' | 'deviceTokenKeys' | 'now'>

/**
 * Looks up the token of the device. A forged, foreign, revoked or replaced token counts as none. The store is asked
 * only about a token with our signature for this account, so neither time nor a failing store reveals to a stranger
 * whether an account exists.
 */
export async function recognise(
  { deviceToken }: DeviceFields,
  userId: string | undefined,
  deps: RecognitionDeps,
): Promise<Recognition> {
  const token = userId === undefined ? undefined : findDeviceToken(deviceToken, userId, deps.deviceTokenKeys)
  if (!token) return { holder: undefined, presented: false }
  const device = await deps.deviceTokens.find(token.userId, token.id, new Date(deps.now()))
  return { holder: device && { ...device, id: token.id }, presented: true }
}

/**
 * Whether the network of the client is blocked. A block spares devices with a token of the account, because other
 * people share the address of the attacker.
 * @param spared whether the device has such a token; called only if there is a block
 */
export async function isBlocked(
  { ip }: Client,
  spared: () => boolean | Promise<boolean>,
  deps: { blocks: Pick<BlockList, 'blockedBy'>; now: () => number },
): Promise<boolean> {
  const block = await deps.blocks.blockedBy(networkOf(ip), deps.now())
  return block !== undefined && !(await spared())
}

/** Reads the token again, because a block revokes the tokens of suspects. */
export async function holdsToken(
  device: DeviceFields,
  userId: string | undefined,
  deps: RecognitionDeps,
): Promise<boolean> {
  return (await recognise(device, userId, deps)).holder !== undefined
}

/** A device whose password was right. */
export interface Arriving extends Recognition {
  user: Pick<User, 'id' | 'deviceTokens'>
  deviceHash: string
}

/**
 * Whether the account has issued tokens: from then on only they make a device known. The user was read before the
 * password was checked, and the account may have issued its first token meanwhile.
 */
async function hasIssued(
  { user, presented }: Pick<Arriving, 'user' | 'presented'>,
  { users, deviceTokens }: IssuedDeps,
): Promise<boolean> {
  if (presented) return true
  const mayHave = user.deviceTokens || (await users.findById(user.id))?.deviceTokens
  return mayHave === true && deviceTokens.hasIssued(user.id)
}
interface IssuedDeps extends Pick<SignInDeviceDeps, 'deviceTokens'> {
  users: Pick<Users, 'findById'>
}

/** Whether the account knows the device: by its token, or by its kind while the account has not issued any token. */
export async function isKnown(
  arriving: Arriving,
  deps: IssuedDeps & Pick<SignInDeviceDeps, 'devices'>,
): Promise<boolean> {
  const { user, deviceHash, holder } = arriving
  if (holder) return true
  return !(await hasIssued(arriving, deps)) && (await deps.devices.find(user.id, deviceHash)) !== undefined
}

/** A device at a sign-in that is about to succeed. */
export interface SignInDevice {
  /** Whether the account knew it before. */
  known: boolean
  /** Whether the device is new, and not the first one of the account. */
  isNew: boolean
  /** epoch ms; see `NewSession.newDeviceSince` */
  newDeviceSince: number | undefined
  /** The lineage of its new token, if it asked for one or presented one. */
  lineage: string | undefined
  /** Whether it presented a token of the account. */
  returning: boolean
  /** Whether that token is older than any present attack. */
  settled: boolean
  /**
   * The sign-in succeeded: the replaced token expires soon. A sign-in with a verdict gets no first token, so the
   * device is judged again next time.
   * @param risk the verdicts
   * @returns the token for the device; undefined also if the store fails, because the session exists
   */
  confirm(risk: readonly Risk[]): Promise<string | undefined>
  /** The sign-in failed: removes what was stored for it. */
  undo(): Promise<void>
}

/**
 * Records the device of a sign-in: stores its kind, and issues a token or a successor of the presented one. The old
 * token stays valid for a few minutes, so that a lost answer does not lose the device.
 */
export async function recordDevice(arriving: Arriving, asks: boolean, deps: SignInDeviceDeps): Promise<SignInDevice> {
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
  if (id !== undefined && lineage !== undefined) {
    const { since, isFirst } = device
    const trusted = { lineage, since, isFirst, givenAt: holder?.givenAt ?? now }
    try {
      if (!user.deviceTokens) await deps.users.expectDeviceTokens(userId)
      await deps.deviceTokens.issue(userId, id, trusted, now, holder?.id)
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
      try {
        if (holder) await deps.deviceTokens.retire(userId, holder.id, now)
        else if (risk.length > 0) {
          await deps.deviceTokens.withdraw(userId, id)
          return undefined
        } else if (!onlyTokens) await deps.deviceTokens.confirm(userId)
      } catch (error) {
        deps.error(error, 'The device of a sign-in gets no token.')
        return undefined
      }
      return writeDeviceToken({ userId, id }, deps.deviceTokenKeys)
    },
    undo: async () => {
      await Promise.all([forgetKind(), id === undefined ? undefined : deps.deviceTokens.withdraw(userId, id)])
    },
  }
}

/** Stores what a block of the network must end: the session and its device token, unless the device is the owner's. */
export const signInRecord = (
  { settled, isNew, lineage, returning }: SignInDevice,
  userId: string,
  risk: readonly Risk[],
  client: Client,
  deps: RecentSignInDeps,
) => (settled ? undefined : recordSignIn({ userId, odd: isNew || risk.length > 0, lineage, returning }, client, deps))
