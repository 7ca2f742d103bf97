import type { Addresses } from './addresses.ts'
import type { Account } from './cast.ts'
import type { Authenticator } from './clients/authenticator.ts'
import type { Client, Session } from './clients/client.ts'
import type { Device } from './clients/devices.ts'
import type { Mailbox } from './clients/mailbox.ts'
import type { Random } from './random.ts'

export type TargetKind = 'web' | 'functions'
export const TARGETS = ['web', 'functions'] as const satisfies readonly TargetKind[]

/** Facet → value, keys as in a monitor's `.by`. */
export type Group = Readonly<Record<string, string>>

/** How an attack ends if every defence works: detected and contained, or refused at its decisive step. */
export type Ending = 'contained' | 'prevented'

/** One technique of account takeover: its description, a function that carries it out, and its benign twin. */
export type Attack = ContainedAttack | PreventedAttack

interface AttackRecord {
  /** The name of its file and of its twin's. Each detection has an attack of the same name; other attacks are variants. */
  readonly slug: string
  readonly title: string
  /** @see https://attack.mitre.org */
  readonly techniques: readonly { readonly id: string; readonly name: string }[]
  readonly targets: readonly TargetKind[]
  /** What it does, in a few sentences for a reader who does not know it. */
  readonly does: string
  /** Path of the responder's runbook. */
  readonly runbook: string
  /** It can rob the session of the person at the screen, too: `Context.mine`. */
  readonly robsYou?: boolean
  /** It mostly waits until a session is renewed. Others can run meanwhile without a change of their measured times. */
  readonly waitsForRenewal?: boolean
  attack(target: Target, context: AttackContext): Promise<Detonation>
  readonly twin: Twin
}

/** An attack that must trip a detection, whose containment ends it. */
export interface ContainedAttack extends AttackRecord {
  readonly ends?: 'contained'
  /** Slug of that detection. */
  readonly trips: string
  /** The group of its alert if that covers the whole service. Nothing else may then run at the same time. */
  readonly serviceWide?: (target: TargetKind) => Group
  /** The least time from the crossing to the alert, as for a silence that must last. Absent: the event itself alerts. */
  readonly alertTakesMs?: number
}

/**
 * An attack whose decisive step is refused. It needs no alert; the attacker gains nothing, and no honest person loses
 * anything.
 */
export interface PreventedAttack extends AttackRecord {
  readonly ends: 'prevented'
  readonly trips?: undefined
  readonly serviceWide?: undefined
  readonly alertTakesMs?: undefined
  /** What the service refuses, in one sentence. */
  readonly prevention: string
  /** The traces that a responder must still find in the logs. */
  readonly leaves: readonly Traces[]
}

/** A log search within one run, and the least number of events that it finds once all are indexed. */
export interface Traces {
  readonly query: string
  readonly atLeast: number
}

/** Legitimate use that resembles the attack and must raise no alert. */
export interface Twin {
  readonly title: string
  readonly does: string
  act(target: Target, context: Context): Promise<BenignUse>
}

export interface Target {
  readonly kind: TargetKind
  /** Origin, without a trailing slash. */
  readonly baseUrl: string
}

/** The tools of an attack and its twin. Accounts and addresses are new in each run; all other choices follow the seed. */
export interface Context {
  /** Appended to every user agent, so that events can be assigned to this run. */
  readonly runId: string
  readonly random: Random
  readonly addresses: Addresses
  /** Opens an honest person's client. What it holds at the end must work. */
  client(from: { device: Device; address: string }): Client
  /** Opens a client of the attacker. If the policy contains, everything that it ever got must be refused at the end. */
  intruder(from: { device: Device; address: string }): Client
  /** Records whose authenticator this is, so that its owner can sign in at the end. */
  carries(owner: Account, phone: Authenticator): void
  /** The number of requests so far. */
  readonly requests: () => number
  /** Narrates what somebody does or sees. @param at epoch ms (default now) */
  tell(who: string, what: string, at?: number): void
  /** The copied session of the person at the screen; absent if the attack invents its victim. */
  readonly mine?: Mine | undefined
  /** The powers of an insider; absent outside a lab. */
  readonly insider?: Insider | undefined
  /** The mailbox of the invented addresses; absent outside a lab. */
  readonly mailbox?: Mailbox | undefined
  readonly signal: AbortSignal
}

/** A session of the person at the screen, and the user agent of the browser that opened it. */
export interface Mine extends Session {
  readonly userAgent: string
}

/** A person with an operator's rights, as far as the lab grants them. */
export interface Insider {
  /** Turns the forwarding of the functions' logs to Datadog on or off. Lines written while it is off are lost. */
  forwarding(on: boolean): Promise<void>
  /** Resolves when Datadog has received a heartbeat of the functions, because a monitor cannot miss an unknown one. */
  heartbeat(): Promise<void>
  /** The keyed hash by which the logs name a login that was submitted before. Outsiders cannot compute it. */
  loginHash(email: string): Promise<string>
}

export interface AttackContext extends Context {
  /**
   * Marks the moment just before the request that takes the group past the threshold.
   * @param which names the request in the narration, such as `the eleventh failure`
   * @param at epoch ms (default now); the time of sending, if it is known only afterwards
   */
  crossing(group: Group, which: string, at?: number): Crossing
  /** Waits between two attempts. The alert cuts the wait short. */
  pause(): Promise<void>
  /** Whether to go on waiting for a refusal. */
  patient(): boolean
}

export interface Crossing {
  /** Epoch ms; the origin of all narrated times. */
  readonly at: number
  /** Settles at the alert, or at once if alerts cannot be observed. */
  readonly alerted: Promise<void>
  /**
   * The time of the containment in epoch ms. Settles after its line of the narration, so that its effects follow it.
   * Undefined if there was none in time or if none can be observed.
   */
  readonly contained: Promise<number | undefined>
}

export interface Detonation {
  /** The expected group of the alert; empty for a prevented attack. */
  readonly group: Group
  /** Epoch ms of sending the request that crosses the threshold or, for a prevented attack, the one that must be refused. */
  readonly crossedAt: number
  /** Epoch ms of receiving the first refusal that the containment, or the crossing itself, caused. */
  readonly refusedAt: number | undefined
  /** Sids of honest sessions that may end with the attacker's, which is only the stolen one. */
  readonly lost?: readonly string[]
  /**
   * Emails of the owners whom the attack itself locks out before the alert. A person must restore such an account, so they
   * are counted but are not a fault of the containment.
   */
  readonly restored?: readonly string[]
  /** Networks, sessions and logins of the honest people whom a prevented attack targets: no alert may be about them. */
  readonly innocent?: readonly Group[]
}

/** A request of a benign twin was refused. */
export class BenignRefused extends Error {
  override readonly name = 'BenignRefused'
}

export interface BenignUse {
  /** The subjects of this use: an alert about one of them is false. */
  readonly groups: readonly Group[]
  /** Correct alerts, as a twin may follow a real theft. */
  readonly aftermathOf?: readonly { readonly monitor: string; readonly group: Group }[]
  readonly leaves: readonly Traces[]
}
