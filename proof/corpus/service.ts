import {
  loginRules,
  MFA_PENDING_SECONDS,
  MFA_TRIES,
  mfaRules,
  registerRules,
  rightSignInRules,
} from '../../functions/auth/limits.ts'
import { isNewDevice, NEW_DEVICE_MS } from '../../functions/auth/new-device.ts'
import { addressFields, networkOf } from '../../shared/client/address.ts'
import type { Event, NewEvent, Risk } from '../../shared/event.ts'
import type { Place } from '../../shared/geo/place.ts'
import { judgeArrival } from '../../shared/geo/travel.ts'
import type { KnownDevice } from '../../shared/stores/port.ts'
import { type Account, CODE_MS, type Login, type Pending, type Session, type SignIn, type Visitor } from './account.ts'
import { type Chance, uuid } from './chance.ts'
import { Attempts, Throttle } from './counters.ts'
import type { Device } from './devices.ts'
import { hour, minute, second } from './schedule.ts'

const IDLE_MS = hour
const ABSOLUTE_MS = 24 * hour
const RENEWAL_MS = 300 * second
const SIGHTING_MS = minute

type Sid = { sid: string }

/**
 * The service as it is seen in its log: which events follow from what somebody asks, by the rules of shared/auth and
 * shared/session, which are called where they stand alone. Nothing is hashed, signed or stored.
 */
export class Service {
  private readonly chance: Chance
  private readonly clock: () => number
  private readonly write: (event: Event) => void
  private readonly throttle: Throttle
  private readonly attempts: Attempts

  constructor(chance: Chance, clock: () => number, write: (event: Event) => void) {
    this.chance = chance
    this.clock = clock
    this.write = write
    this.throttle = new Throttle(clock)
    this.attempts = new Attempts(clock)
  }

  emit(event: NewEvent): void {
    const timestamp = new Date(this.clock()).toISOString()
    const { level = 'info', ...fields } = event
    this.write({ level, timestamp, service: 'mini-ato-saas', env: 'prod', ...fields } as Event)
  }

  /** An account from before the log begins, whose devices and place are known. */
  settled(account: Account, devices: readonly Device[], place: Place): Account {
    const since = new Date(this.clock() - 90 * 24 * hour)
    for (const [i, device] of devices.entries()) {
      account.devices.set(device.hash, { since, isFirst: i === 0 })
      if (!keepsCookies(device)) continue
      account.tokens.set(device, { since, isFirst: i === 0 })
      account.hasIssued = true
    }
    account.place = { ...place, at: new Date(this.clock() - 12 * hour), since, logins: 50 }
    return account
  }

  newAccount(email: string, password: string): Account {
    const { chance } = this
    return {
      email,
      hash: chance.hex(32),
      id: uuid(chance),
      password,
      secondFactor: false,
      usedStep: 0,
      devices: new Map(),
      tokens: new Map(),
      hasIssued: false,
      place: undefined,
      sessions: new Set(),
    }
  }

  register(login: Login, account: Account | 'weak' | 'existing', visitor: Visitor): boolean {
    const fields = { ...this.request(visitor), email: login.email, login_hash: login.hash, evt: 'register' as const }
    const fail = (reason: 'throttled' | 'weak_password' | 'existing') => {
      this.emit({ ...fields, outcome: 'fail', reason })
      return false
    }
    if (!this.throttle.reserve(registerRules(visitor.address))) return fail('throttled')
    if (account === 'weak') return fail('weak_password')
    if (account === 'existing') return fail('existing')
    this.emit({ ...fields, outcome: 'pending' })
    this.emit({ ...fields, ...this.request(visitor), outcome: 'success', usr: { id: account.id } })
    return true
  }

  signIn(login: Login | Account, password: string, visitor: Visitor): SignIn {
    const account = 'devices' in login ? login : undefined
    const { device } = visitor
    const trusted = account?.tokens.has(device) === true
    const lineage = trusted ? (device.hintsHash ?? device.hash) : undefined
    const fields = {
      ...this.request(visitor),
      email: login.email,
      login_hash: login.hash,
      ...(visitor.device.hintsHash !== undefined && { hints_hash: visitor.device.hintsHash }),
      evt: 'login' as const,
    }
    const rules = loginRules(visitor.address, login.hash, lineage)
    const origins = trusted ? [] : originsOf(visitor)
    const judge = (outcome: 'failed' | 'refused' | 'right') =>
      this.attempts.judge(login.hash, password, origins, outcome)
    const fail = (reason: 'throttled' | 'wrong_password' | 'unknown_user') => {
      const risk = riskField(judge(reason === 'throttled' ? 'refused' : 'failed'))
      const usr = account ? { id: account.id, exists: true } : { exists: false }
      this.emit({ ...fields, ...risk, outcome: 'fail', reason, usr })
    }
    if (!this.throttle.reserve(rules)) {
      fail('throttled')
      // A stranger is not told.
      return { kind: trusted ? 'throttled' : 'refused' }
    }
    if (!account || password !== account.password) {
      fail(account ? 'wrong_password' : 'unknown_user')
      return { kind: 'refused' }
    }
    this.throttle.release(rules)
    if (!this.throttle.reserve(rightSignInRules(login.hash, lineage))) {
      fail('throttled')
      return { kind: trusted ? 'throttled' : 'refused' }
    }
    const risk = judge('right')
    const usr = { id: account.id }
    if (account.secondFactor) {
      this.emit({
        ...fields,
        ...riskField(risk),
        outcome: 'challenge',
        usr,
        device_known: this.isKnown(account, device),
      })
      const until = this.clock() + MFA_PENDING_SECONDS * second
      return { kind: 'challenge', pending: { account, risk, until, tries: 0 } }
    }
    const known = this.isKnown(account, device)
    const met = this.meet(account, device, risk)
    const { session, risks } = this.issue(account, visitor, risk, met)
    const all = [...(known || met.isFirst ? [] : (['new_device'] as const)), ...risks]
    this.emit({ ...fields, ...riskField(all), outcome: 'success', usr, sid: session.sid, device_known: known })
    return { kind: 'issued', session }
  }

  /** @param step of which half minute the code is; undefined: none of them */
  enterCode(pending: Pending, step: number | undefined, visitor: Visitor): Session | undefined {
    const { account } = pending
    const fields = { ...this.request(visitor), evt: 'mfa' as const }
    if (this.clock() >= pending.until) {
      this.emit({ ...fields, outcome: 'fail', reason: 'expired' })
      return undefined
    }
    const usr = { id: account.id }
    const verdict = ++pending.tries > MFA_TRIES ? 'too_many' : this.checkCode(account, step, visitor.device)
    if (verdict !== 'accepted') {
      this.emit({ ...fields, outcome: 'fail', reason: verdict, usr })
      return undefined
    }
    const { session } = this.issue(account, visitor, pending.risk, this.meet(account, visitor.device, pending.risk))
    const risk = riskField(session.newDeviceSince === undefined ? [] : ['new_device'])
    this.emit({ ...fields, ...risk, outcome: 'success', usr, sid: session.sid })
    return session
  }

  private checkCode(
    account: Account,
    step: number | undefined,
    signingIn?: Device,
  ): 'accepted' | 'too_many' | 'wrong_code' | 'replayed_code' {
    const lineage = signingIn && account.tokens.has(signingIn) ? signingIn.hintsHash : undefined
    const rules = mfaRules(account.id, lineage)
    if (!this.throttle.reserve(rules)) return 'too_many'
    if (step === undefined || Math.abs(step - Math.floor(this.clock() / CODE_MS)) > 1) return 'wrong_code'
    if (step <= account.usedStep) return 'replayed_code'
    account.usedStep = step
    this.throttle.clear(rules)
    return 'accepted'
  }

  /** A request with the session's token. @returns whether it went on */
  present(session: Session, visitor: Visitor): boolean {
    const now = this.clock()
    const fields = { ...this.request(visitor), ...this.named(session), evt: 'session' as const }
    const isOver = now - session.seenAt >= IDLE_MS || now - session.issuedAt >= ABSOLUTE_MS
    if (session.revoked || isOver) {
      session.account.sessions.delete(session)
      this.emit(
        session.revoked
          ? { ...fields, outcome: 'revoked', reason: session.revoked }
          : { ...fields, outcome: 'expired' },
      )
      return false
    }
    session.seenAt = now
    if (now - (session.sightings.get(visitor.address) ?? 0) >= SIGHTING_MS) {
      session.sightings.set(visitor.address, now)
      this.emit({ ...fields, outcome: 'seen', reason: 'accepted' })
    }
    if (now - session.renewedAt >= RENEWAL_MS) {
      session.renewedAt = now
      this.emit({ ...fields, outcome: 'renewed' })
    }
    return true
  }

  logout(session: Session, visitor: Visitor): void {
    session.account.sessions.delete(session)
    this.emit({ ...this.request(visitor), ...this.named(session), evt: 'session', outcome: 'ended' })
  }

  /** Ends another session of the same account: its holder is told at the next request. */
  endOther(other: Session, visitor: Visitor): void {
    other.revoked = 'ended_elsewhere'
    this.emit({ ...this.request(visitor), ...this.named(other), evt: 'session', outcome: 'ended' })
  }

  /** The password once more, for what asks for a fresh one. @returns the session that goes on */
  reauthenticate(session: Session, password: string, visitor: Visitor): Session | undefined {
    const { account } = session
    const about = { ...this.request(visitor), ...this.newDevice(session, visitor), ...this.named(session) }
    if (password !== account.password) {
      const wrong = { reason: 'wrong_password', login_hash: account.hash } as const
      this.emit({ ...about, ...wrong, evt: 'credential', outcome: 'fail', action: 'reauthenticated' })
      return undefined
    }
    if (account.secondFactor) {
      const verdict = this.checkCode(account, Math.floor(this.clock() / CODE_MS))
      const { risk: _, ...fields } = { risk: undefined, ...about }
      if (verdict === 'accepted') this.emit({ ...about, evt: 'mfa', outcome: 'success' })
      else this.emit({ ...fields, evt: 'mfa', outcome: 'fail', action: 'reauthenticated', reason: verdict })
      if (verdict !== 'accepted') return undefined
    }
    return this.replace(session, visitor)
  }

  /** @param next `weak` is refused */
  changePassword(session: Session, next: string, visitor: Visitor): Session | undefined {
    const { account } = session
    const fields = {
      ...this.request(visitor),
      ...this.newDevice(session, visitor),
      ...this.named(session),
      evt: 'credential' as const,
      action: 'password_changed' as const,
      login_hash: account.hash,
    }
    if (next === 'weak') {
      this.emit({ ...fields, outcome: 'fail', reason: 'weak_password' })
      return undefined
    }
    account.password = next
    for (const other of account.sessions) if (other !== session) other.revoked ??= 'password_changed'
    for (const device of account.tokens.keys()) if (device !== visitor.device) account.tokens.delete(device)
    this.emit({ ...fields, outcome: 'success' })
    return this.replace(session, visitor)
  }

  switchSecondFactor(session: Session, to: 'enabled' | 'disabled', visitor: Visitor): void {
    const { account } = session
    account.secondFactor = to === 'enabled'
    account.usedStep = Math.floor(this.clock() / CODE_MS)
    const about = { ...this.request(visitor), ...this.newDevice(session, visitor), ...this.named(session) }
    this.emit({ ...about, evt: 'mfa', outcome: to, ...(to === 'disabled' && { level: 'warn' as const }) })
  }

  private replace(session: Session, visitor: Visitor): Session {
    const next = this.issue(session.account, visitor, [], undefined).session
    next.newDeviceSince = session.newDeviceSince
    this.logout(session, visitor)
    return next
  }

  /** @param met the device, at a sign-in */
  private issue(
    account: Account,
    visitor: Visitor,
    risk: readonly Risk[],
    met: KnownDevice | undefined,
  ): { session: Session; risks: Risk[] } {
    const now = this.clock()
    const session: Session = {
      sid: `${this.chance.hex(20)}_A`,
      account,
      issuedAt: now,
      authenticatedAt: now,
      seenAt: now,
      renewedAt: now,
      newDeviceSince: met && isNewDevice(met, now) ? met.since.getTime() : undefined,
      revoked: undefined,
      sightings: new Map(),
    }
    account.sessions.add(session)
    const risks = [...risk, ...this.travel(account, visitor)]
    this.emit({ ...this.request(visitor), ...this.named(session), ...riskField(risks), evt: 'session', outcome: 'new' })
    return { session, risks }
  }

  private travel(account: Account, { place }: Visitor): 'travel'[] {
    if (!place) return []
    const { travel, learnt } = judgeArrival(account.place, place, new Date(this.clock()))
    if (learnt) account.place = learnt
    return travel ? ['travel'] : []
  }

  /** By its token, or by its kind as long as the account has given no token out: functions/auth/device-meeting.ts. */
  private isKnown(account: Account, device: Device): boolean {
    return account.hasIssued ? account.tokens.has(device) : account.devices.has(device.hash)
  }

  /** An odd sign-in earns no token. */
  private meet(account: Account, device: Device, risk: readonly Risk[]): KnownDevice {
    const since = new Date(this.clock())
    const kind = account.devices.get(device.hash) ?? { since, isFirst: account.devices.size === 0 }
    const met = account.hasIssued ? (account.tokens.get(device) ?? { since, isFirst: false }) : kind
    account.devices.set(device.hash, kind)
    if (keepsCookies(device) && risk.length === 0) {
      account.tokens.set(device, met)
      account.hasIssued = true
    }
    return met
  }

  private newDevice({ account, newDeviceSince }: Session, { device }: Visitor): { risk?: Risk[] } {
    const now = this.clock()
    const isNew = newDeviceSince !== undefined && now - newDeviceSince < NEW_DEVICE_MS
    return riskField(isNew || isNewDevice(account.devices.get(device.hash), now) ? ['new_device'] : [])
  }

  request({ device, address, via }: Visitor) {
    return {
      ...addressFields(address),
      user_agent: device.userAgent,
      device_hash: device.hash,
      via,
      request_id: uuid(this.chance),
    }
  }

  private named({ sid, account }: Session): Sid & { usr: { id: string } } {
    return { usr: { id: account.id }, sid }
  }
}

/** A browser keeps its device cookie; a script asks for no token. */
const keepsCookies = ({ hintsHash }: Device): boolean => hintsHash !== undefined

const riskField = (risk: readonly Risk[]): { risk?: Risk[] } => (risk.length > 0 ? { risk: [...risk] } : {})

/** As functions/auth/verdicts.ts has it: a kind of device is no origin, one that tells its hints is. */
const originsOf = ({ address, device }: Visitor): string[] => [
  `network ${networkOf(address)}`,
  ...(device.hintsHash === undefined ? [] : [`device ${device.hash} ${device.hintsHash}`]),
]
