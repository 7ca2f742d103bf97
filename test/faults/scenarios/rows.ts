import { randomUUID } from 'node:crypto'
import { containmentId } from '../../../functions/contain/alert.ts'
import type { Containment } from '../../../shared/stores/port.ts'
import type { Person } from '../cast.ts'
import { countKeptOut, gather, measure, untilOut } from '../drill.ts'
import type { Group } from '../scenario.ts'
import { type Stage, wait } from '../stage.ts'
import { HEAL_MS } from '../verdict.ts'
import { operatorStopped } from './operator.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** A row that nobody is working on, as a process that died would leave it. */
function pendingRow(detection: string, scope: string, action: Containment['action'], alertedAt: Date): Containment {
  const cycle = `left-${randomUUID()}`
  return {
    ...{ id: containmentId(detection, cycle, scope), detection, cycle, scope, action, state: 'pending', alertId: '1' },
    ...{ alertedAt, createdAt: alertedAt, updatedAt: alertedAt, nextAt: alertedAt, attempts: 0 },
  }
}

const sessionRow = (person: Person, detection = 'session-reuse'): Containment => ({
  ...pendingRow(detection, `@sid:${person.sid}`, 'revoke', new Date(Date.now() - 60_000)),
  userId: person.userId,
})

/** Waits until a row is no longer open. */
async function settled(stage: Stage, row: Containment, deadline: number): Promise<Containment | undefined> {
  for (;;) {
    const now = await stage.cast.containments.find(row.detection, row.id)
    if (now?.state !== 'pending' || Date.now() > deadline) return now
    await wait(500, stage.signal)
  }
}

/** Rows that a crash, or an edit by hand, would leave in the ledger. */
export const rows: Group = {
  name: 'rows',
  scenarios: [
    {
      name: 'detection-gone',
      fault: 'a row whose detection is gone, before rows that can be carried out',
      injected: 'row written to the ledger',
      async run(stage, usual) {
        const crowd = await gather(stage, usual)
        const [bystander] = crowd.bystanders
        if (!bystander) throw new Error('This fault needs at least one bystander.')
        const gone = sessionRow(bystander, 'no-such-detection')
        await stage.cast.containments.claim(gone)
        for (const victim of crowd.victims) await stage.cast.containments.claim(sessionRow(victim))
        const endedAt = Date.now()
        const row = await measure(stage, crowd, endedAt)
        const after = await settled(stage, gone, endedAt + HEAL_MS)
        const wrong = after?.state === 'failed' ? 0 : 1
        return {
          ...row,
          lost: row.lost + wrong,
          remark: `the row is \`${after?.state}\` (${after?.reason ?? 'no reason'})`,
        }
      },
    },
    {
      name: 'block-late',
      fault: 'a `block_ip` two hours old, and one whose alert has recovered, both still pending',
      injected: 'row written to the ledger',
      async run(stage) {
        const crowd = await gather(stage, 2)
        const late = crowd.bystanders.map(({ network }, index) => {
          const hasRecovered = index % 2 === 1
          const alertedAt = new Date(Date.now() - (hasRecovered ? MINUTE_MS : 2 * HOUR_MS))
          const row = pendingRow('credential-stuffing', `@network:${network}`, 'block_ip', alertedAt)
          return hasRecovered ? { ...row, recovered: true } : row
        })
        for (const row of late) await stage.cast.containments.claim(row)
        for (const victim of crowd.victims) await stage.cast.containments.claim(sessionRow(victim))
        const endedAt = Date.now()
        const after = await Promise.all(late.map((row) => settled(stage, row, endedAt + HEAL_MS)))
        const states = [...new Set(after.map((one) => `\`${one?.state}\` (${one?.reason ?? 'no reason'})`))]
        const row = await measure(stage, crowd, endedAt)
        const blocked = await countKeptOut(stage, crowd.bystanders)
        const open = after.filter((one) => one?.state === 'pending').length
        return {
          ...{ ...row, wronglyDead: row.wronglyDead + blocked, lost: row.lost + open },
          remark: `nobody is blocked; the rows are ${states.join(' and ')}`,
        }
      },
    },
    {
      name: 'sixty-pending',
      fault: '60 rows left pending while web hangs',
      injected: 'rows written to the ledger; proxy',
      async run(stage) {
        const crowd = await gather(stage, 60)
        stage.proxies.web.set(() => 'hang')
        for (const victim of crowd.victims) await stage.cast.containments.claim(sessionRow(victim))
        const began = Date.now()
        const outAt = await untilOut(stage, crowd.victims, began + HEAL_MS)
        stage.proxies.web.heal()
        const took = Math.max(...outAt.values()) - began
        return {
          ...(await measure(stage, crowd, began)),
          remark: `all out ${Math.ceil(took / 1000)} s after they were written, web still hanging`,
        }
      },
    },
    {
      name: 'sessions-gone',
      fault: '2,000 open sessions in the ledger that Redis does not know, before 20 containments',
      injected: 'rows written to the ledger',
      async run(stage, usual) {
        await stage.cast.leaveOpen(2000)
        const crowd = await gather(stage, usual)
        for (const victim of crowd.victims) await stage.cast.containments.claim(sessionRow(victim))
        return measure(stage, crowd, Date.now())
      },
    },
    operatorStopped,
  ],
}
