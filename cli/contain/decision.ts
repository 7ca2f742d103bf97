import { userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import { type Io, UsageError } from 'alertproof/cli'
import type { Decision } from '../../functions/contain/row.ts'
import { OPERATOR_MAX, WHY_MAX } from '../../shared/event.ts'

/** Asks a person at a terminal. */
export type Ask = (question: string, signal: AbortSignal) => Promise<string>

/**
 * Reads who decides and why; both go into the row and into the event.
 * @param needed whether a reason is required; otherwise a person at a terminal is asked for one
 * @throws UsageError for a missing reason that is required, or for one that is too long
 */
export async function readDecision(
  why: string | undefined,
  needed: boolean,
  io: Pick<Io, 'signal'>,
  ask: Ask | undefined = askAtTerminal(),
): Promise<Decision> {
  if (needed && oneLine(why) === '')
    throw new UsageError('Missing --why TEXT: --all needs a reason, which is kept in each row and in the log')
  const text = oneLine(why ?? (await ask?.('Why? It is kept in the row and in the log (Enter for none): ', io.signal)))
  if (text.length > WHY_MAX) throw new UsageError(`--why: must be at most ${WHY_MAX} characters; it has ${text.length}`)
  return { operator: operatorName(), ...(text !== '' && { why: text }) }
}

/** `ATO_OPERATOR`, or the user of the operating system. */
function operatorName(): string {
  const named = oneLine(process.env.ATO_OPERATOR).slice(0, OPERATOR_MAX)
  if (named !== '') return named
  try {
    return userInfo().username.slice(0, OPERATOR_MAX) || 'unknown'
  } catch {
    return 'unknown' // a container may run under a user id without a name
  }
}

/** Makes one line of typed text, without control characters that a terminal would interpret. */
export const oneLine = (text: string | undefined): string =>
  (text ?? '')
    .replaceAll(/\p{C}+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()

function askAtTerminal(): Ask | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  return async (question, signal) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return await terminal.question(question, { signal })
    } finally {
      terminal.close()
    }
  }
}
