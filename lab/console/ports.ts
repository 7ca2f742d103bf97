// What the console can do beyond the lab: the command line composes it, because the lab knows neither the ledger nor the attacks.

import type { AttackAsked, AttackLine, AttackView, ContainmentAsked, ContainmentView } from './api.ts'

/** The ledger of containments. */
export interface ContainmentsPort {
  /** Newest first, at most 200. @throws if the ledger cannot be read */
  list(): Promise<readonly LedgerContainment[]>
  /** Decides as a person does with `npm run contain`. @throws NotPossibleHere with the reason */
  act(asked: ContainmentAsked): Promise<{ readonly state: string; readonly message: string }>
}

export interface LedgerContainment extends ContainmentView {
  /** Epoch ms at which the row was written. */
  readonly created_at: number
  /** The row as it can be shown. */
  readonly text: string
}

/** An attack with every choice made. */
export interface AttackToRun {
  readonly slug: string
  readonly target: AttackAsked['target']
  readonly twin: boolean
  readonly seed: number
  readonly pace: number
  readonly mine: { readonly sid: string | undefined } | undefined
}

/** Attacks on this lab. */
export interface AttacksPort {
  list(): readonly AttackView[]
  newSeed(): number
  /** @throws NotPossibleHere if the attack cannot be carried out so */
  check(asked: AttackToRun): void
  /**
   * Carries one out.
   * @param signal stops it
   * @returns whether each check holds
   * @throws an error whose message a person understands
   */
  run(asked: AttackToRun, progress: AttackProgress, signal: AbortSignal): Promise<boolean>
}

/** Receives the progress of an attack. */
export interface AttackProgress {
  /** A target begins; the events of it have this run id. */
  began(runId: string): void
  line(line: Omit<AttackLine, 'at'>): void
}

/** What was asked is understood and cannot be done; the message says why. */
export class NotPossibleHere extends Error {
  override readonly name = 'NotPossibleHere'
  readonly status: number

  /** @param status of HTTP */
  constructor(message: string, status = 409) {
    super(message)
    this.status = status
  }
}
