// What the console can do beyond the lab: the command line composes it, because the lab knows neither the ledger nor the attacks.

import type { AttackAsked, AttackRun, AttackView, ContainmentAsked, ContainmentView } from './api.ts'

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

/** Attacks on this lab. */
export interface AttacksPort {
  list(): readonly AttackView[]
  /**
   * Carries one out.
   * @param told called with each new line, and when a target begins; the run is the same object, which grows
   * @param signal stops it
   * @returns whether each check holds
   * @throws an error whose message a person understands
   */
  run(
    asked: Required<Omit<AttackAsked, 'mine'>> & Pick<AttackAsked, 'mine'>,
    told: Told,
    signal: AbortSignal,
  ): Promise<boolean>
  /** @throws NotPossibleHere if the attack cannot be carried out so */
  check(asked: AttackAsked): void
  newSeed(): number
}

export interface Told {
  began(runId: string): void
  line(line: AttackRun['lines'][number]): void
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
