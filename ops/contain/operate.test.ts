import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Functions, startFunctions } from '../../functions/testing/functions.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { NotPossible, retry, undo } from './operate.ts'
import { heldRow } from './testing/held-row.ts'

let functions: Functions
beforeAll(async () => {
  functions = await startFunctions({ env: { WEB_ORIGIN: 'http://127.0.0.1:9' } })
})
afterAll(() => functions?.close())
beforeEach(() => {
  functions.lines.length = 0
})

/** Writes a containment of a unique network. */
async function claimed(change: Partial<Containment> = {}): Promise<Containment> {
  const network = `198.18.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`
  const row = heldRow({
    detection: 'credential-stuffing',
    scope: `@network:${network}`,
    action: 'block_ip',
    ...change,
  })
  expect(await functions.deps.stores.containments.claim(row)).toBe(true)
  return row
}
const rowOf = ({ detection, id }: Containment) => functions.deps.stores.containments.find(detection, id)
const said = () => functions.events().flatMap((event) => (event.evt === 'contain' ? [event.outcome] : []))
const ann = { operator: 'ann', why: 'CASE-17' }

/** The ledger, with `times` changes by another process before the operator's. */
function overtaken(times: number, step: (row: Containment) => Containment) {
  const { containments } = functions.deps.stores
  let left = times
  const revise: typeof containments.revise = async (detection, id, own) => {
    if (left-- > 0) await containments.revise(detection, id, step)
    return containments.revise(detection, id, own)
  }
  return { ...functions.deps.contain, containments: { ...containments, revise } }
}
const finished = (row: Containment): Containment => ({
  ...row,
  state: 'done',
  reason: undefined,
  result: 'success',
  via: 'direct',
  announce: { outcome: 'success', requestId: randomUUID() },
})

describe('a decision on a row that another process changes at the same time', () => {
  it('is made on the row as it is then, after the event that the row owes', async () => {
    const row = await claimed({ state: 'pending', reason: undefined })
    const undone = await undo(row, randomUUID(), overtaken(1, finished), ann)
    expect(undone).toMatchObject({ state: 'undone', ...ann })
    expect(await rowOf(row)).toMatchObject({ state: 'undone', result: 'success', ...ann })
    expect(said()).toEqual(['success', 'undone'])
  })

  it('is refused when the row is past it', async () => {
    const row = await claimed()
    const refused = retry(row, randomUUID(), overtaken(1, finished), ann)
    await expect(refused).rejects.toThrow(
      'it is done; only a held, failed, pending or observed containment can be carried out',
    )
    expect(await rowOf(row)).not.toHaveProperty('operator')
    expect(said()).toEqual([])
  })

  it('is refused when the row keeps changing', async () => {
    const row = await claimed()
    const restless = undo(row, randomUUID(), overtaken(100, finished), ann)
    await expect(restless).rejects.toThrow(new NotPossible('other processes keep changing it: run the command again'))
  })

  it('is refused when the row is missing', async () => {
    const row = await claimed()
    const gone = { ...row, id: row.id.replace(/^./, 'x') }
    await expect(undo(gone, randomUUID(), functions.deps.contain, ann)).rejects.toThrow('no longer in the ledger')
  })
})

describe('an approval', () => {
  it('passes the cap, and neither the policy nor the addresses that are never blocked', async () => {
    const rows = [
      await claimed(),
      await claimed({ scope: '@network:10.1.2.3' }),
      await claimed({ detection: 'gone-for-good' }),
      await claimed({ action: 'notify' }),
    ]
    const states = []
    for (const row of rows) {
      const { state, reason } = await retry(row, randomUUID(), functions.deps.contain, ann)
      states.push(reason ? `${state} (${reason})` : state)
    }
    expect(states).toEqual(['done', 'held (policy)', 'failed (policy_gone)', 'failed (policy_changed)'])
    expect(said()).toEqual(['success', 'refused', 'fail', 'fail'])
  })

  it('replaces the operator and the reason of an earlier decision', async () => {
    const row = await claimed({ operator: 'eve', why: 'an earlier reason' })
    await retry(row, randomUUID(), functions.deps.contain, { operator: 'ann' })
    expect(await rowOf(row)).toMatchObject({ state: 'done', operator: 'ann' })
    expect(await rowOf(row)).not.toHaveProperty('why')
    expect(functions.events().at(-1)).not.toHaveProperty('why')
  })
})
