import { odata, type TableEntityResult } from '@azure/data-tables'
import type { Containment, ContainmentLedger } from '../port.ts'
import type { Tables } from './client.ts'
import { CONFLICT, findEntity, mapLimited, NOT_FOUND, PRECONDITION_FAILED, unless } from './entity.ts'

const PARALLEL = 10

function containmentOf(row: TableEntityResult<Containment>): Containment {
  const { id, detection, cycle, scope, action, state, alertId, alertedAt, createdAt, updatedAt, attempts } = row
  const { result, reason, via, operator, why, userId, expiresAt } = row
  return {
    ...{ id, detection, cycle, scope, action, state, alertId, alertedAt, createdAt, updatedAt, attempts },
    ...(result && { result }),
    ...(reason && { reason }),
    ...(via && { via }),
    ...(operator && { operator }),
    ...(why && { why }),
    ...(userId && { userId }),
    ...(expiresAt && { expiresAt }),
  }
}

/** What was contained and why: partition detection, row id. The id is made of what a claim must be unique in. */
export function createContainmentLedger(tables: Tables): ContainmentLedger {
  const open = () => tables.open('containments')
  const entityOf = (row: Containment) => ({ partitionKey: row.detection, rowKey: row.id, ...row })

  return {
    async claim(containment) {
      return unless([CONFLICT], (await open()).createEntity(entityOf(containment)))
    },

    async find(detection, id) {
      const row = await findEntity<Containment>(await open(), detection, id)
      return row && containmentOf(row)
    },

    async update(containment, from) {
      const table = await open()
      for (;;) {
        const row = await findEntity<Containment>(table, containment.detection, containment.id)
        if (!row || !from.includes(row.state)) return false
        // Refused only when somebody else changed the row since: its state is judged again.
        const written = table.updateEntity(entityOf(containment), 'Replace', { etag: row.etag })
        if (await unless([PRECONDITION_FAILED], written)) return true
      }
    },

    async purge(before, atMost) {
      const table = await open()
      const filter = odata`updatedAt lt ${before} and state ne ${'pending'}`
      const old: Containment[] = []
      for await (const row of table.listEntities<Containment>({ queryOptions: { filter } })) {
        if (old.push(containmentOf(row)) >= atMost) break
      }
      await mapLimited(old, PARALLEL, ({ detection, id }) => unless([NOT_FOUND], table.deleteEntity(detection, id)))
      return old.length
    },

    /** Newest first; rows do not come in that order, so that a limit saves the caller's time only. */
    async list({ states, limit }) {
      if (states?.length === 0) return []
      const filter = states?.map((state) => odata`state eq ${state}`).join(' or ')
      const rows = (await open()).listEntities<Containment>({ queryOptions: filter ? { filter } : {} })
      const found: Containment[] = []
      for await (const row of rows) found.push(containmentOf(row))
      return found.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()).slice(0, limit)
    },
  }
}
