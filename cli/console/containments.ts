// The ledger of containments for the console, as `npm run contain` shows and changes it.

import { randomUUID } from 'node:crypto'
import { gaveWay, isForPerson } from '../../functions/contain/row.ts'
import type { FunctionsDeps } from '../../functions/deps.ts'
import type { ContainmentAsked } from '../../lab/console/api.ts'
import { type ContainmentsPort, type LedgerContainment, NotPossibleHere } from '../../lab/console/ports.ts'
import { NotPossible, retry, undo } from '../../ops/contain/operate.ts'
import type { Containment, ContainmentState } from '../../shared/stores/port.ts'
import { oneLine } from '../contain/decision.ts'
import { openLabLedger } from '../contain/ledger.ts'
import { describe } from '../contain/print.ts'
import { sentenceOf } from '../contain/sentence.ts'

const SHOWN = 200
/** Decisions name who decided; the console has no accounts. */
const OPERATOR = 'console'

const CAN: Readonly<Record<ContainmentState, LedgerContainment['can']>> = {
  held: ['approve', 'undo'],
  failed: ['retry', 'undo'],
  pending: ['retry', 'undo'],
  done: ['undo'],
  closed: ['undo'],
  undone: [],
}

/** Opens the ledger at its first use, because the lab's stores start later than its console. */
export interface OpenedContainments extends ContainmentsPort {
  close(): Promise<void>
}

/** @param dir the directory of the lab @param log called with what the ledger's own log says */
export function containmentsPort(dir: string, log: (line: string) => void): OpenedContainments {
  let opened: Promise<FunctionsDeps> | undefined
  const open = () => {
    opened ??= openLabLedger(dir, log).catch((error: unknown) => {
      opened = undefined // the lab may be ready later
      throw error
    })
    return opened
  }
  return {
    async list() {
      const { stores } = await open()
      return (await stores.containments.list({ limit: SHOWN })).map(viewOf)
    },
    async act(asked) {
      // The reason is printed by `npm run contain` as well.
      const reason = oneLine(asked.reason)
      if (reason === '') throw new NotPossibleHere('the reason holds no character that can be shown', 400)
      const deps = await open()
      const row = (await deps.stores.containments.list({})).find(({ id }) => id === asked.id)
      if (!row) throw new NotPossibleHere(`no containment ${asked.id} is in the ledger`, 404)
      if (!canOf(row).includes(asked.do)) throw new NotPossibleHere(`it is ${row.state}: ${canText(row)}`)
      try {
        const changed = await carryOut(row, { ...asked, reason }, deps)
        return { state: changed.state, message: sentenceOf(changed, Date.now()) }
      } catch (error) {
        if (error instanceof NotPossible) throw new NotPossibleHere(error.message)
        throw error
      }
    },
    async close() {
      const deps = await opened?.catch(() => undefined)
      await deps?.close()
    },
  }
}

function carryOut(
  row: Containment,
  { do: action, reason }: ContainmentAsked,
  deps: FunctionsDeps,
): Promise<Containment> {
  const decision = { operator: OPERATOR, why: reason }
  return (action === 'undo' ? undo : retry)(row, randomUUID(), deps.contain, decision)
}

/** What only was observed may be carried out after all. What gave way to another row did nothing that could be undone. */
function canOf(row: Containment): LedgerContainment['can'] {
  if (gaveWay(row)) return []
  return row.state === 'closed' && isForPerson(row) ? ['approve', ...CAN.closed] : CAN[row.state]
}

function canText(row: Containment): string {
  const can = canOf(row)
  return can.length === 0 ? 'nothing can be done about it' : `it can be ${can.join(' or ').replace('undo', 'undone')}`
}

function viewOf(row: Containment): LedgerContainment {
  const { id, detection, cycle, action, scope, state, result, reason, alertedAt, createdAt, updatedAt, renewedAt } = row
  const isFirstEffect = state === 'done' && renewedAt === undefined
  return {
    ...{ id, detection, action, state },
    by: cycle.startsWith('signal-') ? 'rule' : 'monitor',
    subject: scope,
    result: result ?? null,
    reason: reason ?? null,
    mode: result === 'observed' ? 'observe' : 'enforce',
    alert_at: alertedAt.getTime(),
    changed_at: updatedAt.getTime(),
    latency_ms: isFirstEffect ? Math.max(0, updatedAt.getTime() - alertedAt.getTime()) : null,
    can: canOf(row),
    created_at: createdAt.getTime(),
    text: describe(row),
  }
}
