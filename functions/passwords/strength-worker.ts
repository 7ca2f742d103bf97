import { answerWork } from './answer-work.ts'
import { isGuessable } from './strength.ts'

/** Judges new passwords. It computes for up to a tenth of a second, which must not delay other requests. */
export interface StrengthJob {
  password: string
  /** Words of the service and of the person, in lower case. */
  context: readonly string[]
}

answerWork(({ password, context }: StrengthJob) => isGuessable(password, context))
