import { InputError } from '../input-error.ts'
import type { GroupName } from './explanation.ts'

/** What is asked: about one event, a group, an instant, a group at an instant, or with nothing given about the whole log. */
export interface Question {
  readonly event?: EventChoice
  /** The values of a group by facet. Those of some facets only: of the groups that have them, the one that fired or came nearest. */
  readonly group?: GroupName
  /** Epoch ms. */
  readonly at?: number
}

/** An event by its place, counted from 1, or by a search that finds it: of several, the first. */
export type EventChoice = { readonly line: number; readonly file?: string | undefined } | { readonly search: string }

/** What is asked about is not in the log. */
export class QuestionError extends InputError {
  override readonly name = 'QuestionError'
}
