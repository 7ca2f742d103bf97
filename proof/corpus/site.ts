import { confirm } from '../../functions/auth/confirm.ts'
import { type CredentialOutcome, changePassword, reauthenticate } from '../../functions/auth/credentials.ts'
import { login } from '../../functions/auth/login.ts'
import { confirmTotp, disableTotp, enrolTotp, verifyMfa } from '../../functions/auth/mfa.ts'
import { risksOfDevice } from '../../functions/auth/new-device.ts'
import { type RegisterOutcome, register } from '../../functions/auth/register.ts'
import { renewSession } from '../../functions/auth/renew.ts'
import { recognise } from '../../functions/auth/sign-in-device.ts'
import { actorOf, type Client } from '../../shared/client/client.ts'
import { actorFields } from '../../shared/client/event.ts'
import type { Emit } from '../../shared/event.ts'
import { endOther, logout } from '../../shared/session/end.ts'
import type { IssuedToken } from '../../shared/session/issue.ts'
import { listSessions } from '../../shared/session/list.ts'
import { recentlyAuthenticated } from '../../shared/session/policy.ts'
import { type PresentDeps, presentSession, type SessionCheck } from '../../shared/session/present.ts'
import type { LiveSession } from '../../shared/stores/port.ts'
import { type Chance, uuid } from './chance.ts'
import type { Device } from './devices.ts'
import type { Hosts } from './hosts.ts'

/** The device that sends a request, its address, and the host that it is sent to. */
export interface Visitor {
  readonly device: Device
  readonly address: string
  readonly via: 'web' | 'api'
}

export type SignIn = { kind: 'issued' } | { kind: 'challenge'; mfaToken: string } | { kind: 'refused' | 'throttled' }

type Accepted = Extract<SessionCheck, { kind: 'accepted' }>

/**
 * The service as visitors reach it: each request calls the real use cases, in the order in which the handlers of both
 * hosts call them. The {@link Device} keeps what an answer gives to a browser.
 */
export class Site {
  readonly #chance: Chance
  readonly #hosts: Hosts

  constructor(hosts: Hosts, chance: Chance) {
    this.#hosts = hosts
    this.#chance = chance
  }

  get emit(): Emit {
    return this.#hosts.functions.emit
  }

  /** The answer does not reveal whether the address was free; only a mail does. */
  async register(visitor: Visitor, email: string, password: string): Promise<RegisterOutcome['kind']> {
    const outcome = await register({ email, password }, this.#clientOf(visitor), this.#hosts.functions)
    if (outcome.kind === 'accepted') visitor.device.registration = outcome.registration
    return outcome.kind
  }

  /** Opens the link in the latest mail. @returns whether the account is open now */
  async confirm(visitor: Visitor, email: string): Promise<boolean> {
    const { registration } = visitor.device
    const given = { token: this.#hosts.links.get(email) ?? '', registration }
    const outcome = await confirm(given, this.#clientOf(visitor), this.#hosts.functions)
    return outcome.kind === 'confirmed'
  }

  async signIn(visitor: Visitor, email: string, password: string): Promise<SignIn> {
    const { deviceToken, hintsHash } = visitor.device
    const submitted = { email, password, deviceToken, rememberDevice: visitor.device.isBrowser }
    const outcome = await login(submitted, { ...this.#clientOf(visitor), hintsHash }, this.#hosts.functions)
    if (outcome.kind === 'issued') keep(visitor, outcome)
    return outcome
  }

  /** The second half of a sign-in. @returns whether it succeeded */
  async enterCode(visitor: Visitor, mfaToken: string, code: string): Promise<boolean> {
    const { deviceToken, hintsHash } = visitor.device
    const client = { ...this.#clientOf(visitor), hintsHash }
    const submitted = { mfaToken, code, deviceToken, rememberDevice: visitor.device.isBrowser }
    const { functions } = this.#hosts
    const outcome = await verifyMfa(submitted, actorOf(client, functions), functions)
    if (outcome.kind === 'issued') keep(visitor, outcome)
    return outcome.kind === 'issued'
  }

  /** Opens a page, which renews the session if that is due. @returns the session, unless it is over */
  async view(visitor: Visitor): Promise<LiveSession | undefined> {
    const check = await this.#present(visitor, this.#hosts.web)
    if (check?.renewalDue) await this.#renew(visitor)
    return check?.session
  }

  /** A request of a script, which calls functions directly and renews nothing. @returns false if the session is over */
  async call(visitor: Visitor): Promise<boolean> {
    return (await this.#present(visitor, this.#hosts.functions)) !== undefined
  }

  async logout(visitor: Visitor): Promise<void> {
    await this.#submit(visitor, (check) => logout(check.session, check, this.#hosts.functions))
    visitor.device.session = undefined
  }

  /** Ends the newest other session of the account. Does nothing if the service would demand a re-authentication first. */
  async endAnother(visitor: Visitor): Promise<void> {
    const { functions } = this.#hosts
    await this.#submit(visitor, async (check) => {
      const { session } = check
      if (!recentlyAuthenticated(session, functions.now())) return
      const listed = await listSessions(session.userId, session.sid, functions)
      const other = listed.find(({ current }) => !current)
      if (other) await endOther(check, other.sid, functions)
    })
  }

  reauthenticate(visitor: Visitor, password: string, code: string | undefined) {
    return this.#replace(visitor, (check) => reauthenticate(check, { password, code }, this.#hosts.functions))
  }

  changePassword(visitor: Visitor, current: string, next: string) {
    const { deviceToken } = visitor.device
    return this.#replace(visitor, (check) =>
      changePassword(check, { current, next, deviceToken }, this.#hosts.functions),
    )
  }

  enrolTotp = (visitor: Visitor) => this.#submit(visitor, (check) => enrolTotp(check, this.#hosts.functions))
  confirmTotp = (visitor: Visitor, code: string) =>
    this.#submit(visitor, (check) => confirmTotp(check, code, this.#hosts.functions))
  disableTotp = (visitor: Visitor) => this.#submit(visitor, (check) => disableTotp(check, this.#hosts.functions))

  /** Whether the device holds a valid token of the account. */
  async recognises({ deviceToken }: Device, email: string): Promise<boolean> {
    const user = await this.#hosts.functions.users.findByEmail(email)
    return (await recognise({ deviceToken }, user?.id, this.#hosts.functions)).holder !== undefined
  }

  /** Whether the device of this session is new to the account. */
  async isNewDevice(session: LiveSession, visitor: Visitor): Promise<boolean> {
    const { functions } = this.#hosts
    const { deviceHash } = actorOf(this.#clientOf(visitor), functions)
    return (await risksOfDevice(session, deviceHash, functions)).length > 0
  }

  /** Ends the session of this device as a containment does. Its holder is told at the next request. */
  async contain({ session = '' }: Device): Promise<void> {
    const { sessions, ledger, now } = this.#hosts.functions
    const { sid, sub } = JSON.parse(session) as { sid: string; sub: string }
    const why = { reason: 'contained', containmentId: this.#chance.hex(32) } as const
    await sessions.revoke(sid, { ...why, at: now() }, sub)
    await ledger.close(sub, sid, { ...why, state: 'revoked', at: new Date(now()) })
  }

  /** The fields of an event that describe a request. */
  request(visitor: Visitor) {
    return actorFields(actorOf(this.#clientOf(visitor), this.#hosts.functions))
  }

  /** Presents the session to a host. A browser whose session is over loses its cookie. */
  async #present(visitor: Visitor, host: PresentDeps): Promise<Accepted | undefined> {
    const { device } = visitor
    const check = await presentSession(device.session, this.#clientOf(visitor), host)
    if (check.kind === 'accepted') return check
    device.session = undefined
    return undefined
  }

  /** Web asks functions for a successor of the presented token. */
  async #renew(visitor: Visitor): Promise<void> {
    const { functions } = this.#hosts
    const check = await this.#present(visitor, functions)
    const renewed = check && (await renewSession(check, functions))
    if (renewed?.kind === 'renewed') visitor.device.session = renewed.token.token
  }

  /** Sends a form, which web passes on to functions. Both check the session. @returns undefined if it is over */
  async #submit<T>(visitor: Visitor, carryOut: (check: Accepted) => Promise<T>): Promise<T | undefined> {
    if (!(await this.#present(visitor, this.#hosts.web))) return undefined
    const check = await this.#present(visitor, this.#hosts.functions)
    return check && carryOut(check)
  }

  async #replace(visitor: Visitor, carryOut: (check: Accepted) => Promise<CredentialOutcome>) {
    const outcome = await this.#submit(visitor, carryOut)
    if (outcome?.kind === 'issued') visitor.device.session = outcome.token
    return outcome
  }

  #clientOf({ device, address, via }: Visitor): Client {
    const { userAgent, hints } = device
    return { ip: address, userAgent, hints, via, requestId: uuid(this.#chance) }
  }
}

function keep({ device }: Visitor, { token, deviceToken }: IssuedToken & { deviceToken?: string | undefined }): void {
  device.session = token
  device.deviceToken = deviceToken ?? device.deviceToken
}
