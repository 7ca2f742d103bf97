import type { Addresses } from './addresses.ts'
import type { Account } from './cast.ts'
import type { Authenticator } from './clients/authenticator.ts'
import type { Client } from './clients/client.ts'
import type { Device } from './clients/devices.ts'
import type { Mailbox } from './clients/mailbox.ts'
import type { Random } from './random.ts'

export type TargetKind = 'web' | 'functions'
export const TARGETS = ['web', 'functions'] as const satisfies readonly TargetKind[]

/** Facet → value, keys as in a monitor's `.by`. */
export type Group = Readonly<Record<string, string>>

/** How an attack ends if every defence works: detected and contained, or refused at the step that it needs. */
export type Ending = 'contained' | 'prevented'

/** One technique of account takeover: what it is, one function that does it, and what resembles it and is harmless. */
export type Attack = ContainedAttack | PreventedAttack

interface AttackRecord {
  /** Names its file and its twin's. A detection has an attack of the same name; others are variants of one. */
  readonly slug: string
  readonly title: string
  /** @see https://attack.mitre.org */
  readonly techniques: readonly { readonly id: string; readonly name: string }[]
  readonly targets: readonly TargetKind[]
  /** What it does, in a few sentences for somebody who has never seen it. */
  readonly does: string
  /** Path of the page that a responder opens. */
  readonly runbook: string
  attack(target: Target, context: AttackContext): Promise<Detonation>
  readonly twin: Twin
}

/** An attack that has to trip a detection, whose containment ends it. */
export interface ContainedAttack extends AttackRecord {
  readonly ends?: 'contained'
  /** Slug of that detection. */
  readonly trips: string
  /** The group of its alert, where that is all of the service and no subject of its own: nothing may be tried beside it. */
  readonly serviceWide?: (target: TargetKind) => Group
  /** How long the alert takes by its nature, from the crossing on: a silence has to last. Absent: it comes with the event. */
  readonly alertTakesMs?: number
}

/**
 * An attack whose decisive step is refused. It needs no alert; the attacker ends with nothing, and nobody honest loses
 * anything.
 */
export interface PreventedAttack extends AttackRecord {
  readonly ends: 'prevented'
  readonly trips?: undefined
  readonly serviceWide?: undefined
  readonly alertTakesMs?: undefined
  /** What the service refuses, in one sentence. */
  readonly prevention: string
  /** What a responder can find all the same: prevention must not blind detection. */
  readonly leaves: readonly Traces[]
}

/** A log search within one run id, and the least number of events that it finds once all are indexed. */
export interface Traces {
  readonly query: string
  readonly atLeast: number
}

/** What looks much like the attack and must alert nobody. */
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

/** What an attack and its twin are given. Accounts are new and addresses unused each time; the rest follows the seed. */
export interface Context {
  /** Ends every user agent, so that an event can be told to be of this very run. */
  readonly runId: string
  readonly random: Random
  readonly addresses: Addresses
  /**
   * A new client of somebody honest. Its requests count towards the bound of this run. What it holds at the end must
   * work.
   */
  client(from: { device: Device; address: string }): Client
  /** A new client of the attacker. Where the policy contains, everything that it ever got must be refused at the end. */
  intruder(from: { device: Device; address: string }): Client
  /** Says whose codes an authenticator shows, so that its owner can sign in at the end. */
  carries(owner: Account, phone: Authenticator): void
  /** Requests so far. */
  readonly requests: () => number
  /** Tells what somebody does or sees. @param at epoch ms; now, unless it is told later than it was */
  tell(who: string, what: string, at?: number): void
  /** What only somebody inside can do; absent where the target is no lab. */
  readonly insider?: Insider | undefined
  /** Where mail to invented addresses ends up; absent where the target is no lab. */
  readonly mailbox?: Mailbox | undefined
  readonly signal: AbortSignal
}

/** Somebody who holds an operator's rights, as far as the lab gives them away. */
export interface Insider {
  /** Turns the forwarding of the functions' logs to Datadog on or off; what is written while it is off is lost. */
  forwarding(on: boolean): Promise<void>
  /** Resolves when Datadog has had a heartbeat of the functions: what it never knew, it cannot miss. */
  heartbeat(): Promise<void>
  /** What the logs call a login that was submitted here before: a keyed hash, which nobody outside can make. */
  loginHash(email: string): Promise<string>
}

export interface AttackContext extends Context {
  /**
   * Says that the request which takes the group past the threshold is about to be sent, now.
   * @param which one it is, for the story: `the eleventh failure`
   * @param at epoch ms; when it was sent, if that is known only afterwards
   */
  crossing(group: Group, which: string, at?: number): Crossing
  /** Lets the pause pass that an attacker makes who waits to be thrown out: cut short when the alarm is raised. */
  pause(): Promise<void>
  /** Whether it is still worth waiting to be thrown out. */
  patient(): boolean
}

export interface Crossing {
  /** Epoch ms: the origin of all times that are told of this attack. */
  readonly at: number
  /** Settles when the alert has come; at once where no alert can be observed. */
  readonly alerted: Promise<void>
  /**
   * When the containment was carried out, in epoch ms. Settles after that line of the story, so that effects follow it.
   * Undefined when there was none in time, and where none can be observed.
   */
  readonly contained: Promise<number | undefined>
}

export interface Detonation {
  /** What the alert must be about; nothing where none is asked for. */
  readonly group: Group
  /** Epoch ms: when the request that crosses the threshold was sent; of a prevented attack, the step that must be refused. */
  readonly crossedAt: number
  /** Epoch ms: when the first refusal was received that the containment, or the crossing itself, caused. */
  readonly refusedAt: number | undefined
  /** Sids of honest sessions that may end with the attacker's: the stolen one, and no other. */
  readonly lost?: readonly string[]
  /**
   * Emails of the owners whom the attack itself locks out before the alert. A person gives such an account back, no
   * containment does, so they are counted and are no fault.
   */
  readonly restored?: readonly string[]
  /** Honest people's networks, sessions and logins, where a prevented attack is aimed at those: no alert may be about them. */
  readonly innocent?: readonly Group[]
}

/** The twin did nothing wrong and was kept out all the same. */
export class BenignRefused extends Error {
  override readonly name = 'BenignRefused'
}

export interface BenignUse {
  /** Subjects of this use: an alert about one of them is a false one. */
  readonly groups: readonly Group[]
  /** Alerts that are right: what is harmless may follow on a theft. */
  readonly aftermathOf?: readonly { readonly monitor: string; readonly group: Group }[]
  readonly leaves: readonly Traces[]
}
