import pg from 'pg'
import { NoAnswer } from '../../bounded.ts'
import { codeOf } from '../../error.ts'
import { unchecked } from '../../unchecked.ts'
import type { Judge, StoreGuard } from '../guard.ts'

/** Below the limit of a call, so the server stops first and its answer shows that it is there. */
export const STATEMENT_MS = 1_700
/** How long to wait for the server, in a query or while connecting. */
export const SILENCE_MS = 1_850

/**
 * Classes of SQLSTATE that are not about the request: connections, authentication, resources, intervention of an
 * operator, the system.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const REFUSING = /^(?:08|28|53|57|58|XX|25006|3D000|40001|40P01|55P03)/
/** The ones that come before a statement begins, or after it was rolled back. */
const NOT_CARRIED_OUT = /^(?:28|53300|57P03|40001|40P01)/
const NEVER_SENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])
/**
 * Messages of the driver for a time-out of a query, of a new connection, or of the wait for a connection. The driver
 * gives them no code.
 */
const OVER = /^(?:Query read timeout|.* due to connection timeout|timeout exceeded when trying to connect)$/
const SHORT_OF = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS'])

/** @param isRead a statement that may be sent twice */
const judgeFor =
  (isRead: boolean): Judge =>
  (error) => {
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return undefined
    const code = codeOf(error) ?? ''
    if (error instanceof pg.DatabaseError && code !== '') {
      if (!REFUSING.test(code)) return undefined
      return { kind: 'refusing', isRepeatable: NOT_CARRIED_OUT.test(code) || (isRead && code.startsWith('57P')) }
    }
    if (SHORT_OF.has(code)) return { kind: 'local', isRepeatable: true }
    const isOver = error instanceof NoAnswer || OVER.test(error.message)
    return { kind: 'silent', isRepeatable: !isOver && (isRead || NEVER_SENT.has(code)) }
  }
const judgeRead = judgeFor(true)
const judgeWrite = judgeFor(false)

type Query = (...args: unknown[]) => Promise<pg.QueryResult>

/** Gives every query of a pool its time limit, and repeats reads and statements that no server has received. */
export function boundQueries(pool: pg.Pool, guard: StoreGuard): void {
  // `query` has overloads with a callback that nobody uses.
  const query = unchecked<Query>(pool.query.bind(pool))
  const bounded: Query = (...args) => guard.call(isRead(args[0]) ? judgeRead : judgeWrite, () => query(...args))
  pool.query = unchecked<typeof pool.query>(bounded)
}

function isRead(statement: unknown): boolean {
  const isConfig = typeof statement === 'object' && statement !== null && 'text' in statement
  const text = isConfig ? statement.text : statement
  return typeof text === 'string' && /^\s*select\b/i.test(text)
}
