import { odata, type TableClient } from '@azure/data-tables'
import type { Containment, ContainmentLedger } from '../../../shared/stores/port.ts'
import type { Tables } from '../../../shared/stores/tables/client.ts'
import {
  CONFLICT,
  findEntity,
  mapLimited,
  NOT_FOUND,
  PRECONDITION_FAILED,
  unless,
} from '../../../shared/stores/tables/entity.ts'
import { isOpen } from '../../contain/row.ts'
import { ContainmentIndex, PARALLEL } from './containment-index.ts'
import { type ContainmentEntity, containmentOf, entityOf } from './containment-row.ts'

const REINDEX_PAGE = 500
/** An open row in the index is touched more often than this. Less than the age at which it is held. */
const DOUBTED_MS = 5 * 60_000

/**
 * What was contained and why, in two tables:
 *   containments      partition detection, row id: the ledger itself. The id is made of what a claim must be unique in
 *   containmentindex  partition `open`, row age and id: the open ones, oldest first, for the sweeper
 *                     partition SHA-256 of detection and scope, row id: the rows of one subject
 * Tables have no transactions across partitions, so an index row is written before its row and removed after it. A crash
 * may leave an index row without an open row; {@link ContainmentLedger.openPages} removes it. An index row is removed by
 * the etag that was read before its row was closed, because a writer that opens the row again writes it anew.
 */
export function createContainmentLedger(tables: Tables): ContainmentLedger {
  const rows = () => tables.open('containments')
  const find: ContainmentLedger['find'] = async (detection, id) => {
    const row = await findEntity<ContainmentEntity>(await rows(), detection, id)
    return row && containmentOf(row)
  }
  const index = new ContainmentIndex(tables, find)

  return {
    find,
    async claim(containment) {
      await Promise.all([
        index.addSubject(containment),
        isOpen(containment, containment.updatedAt) && index.addOpen(containment),
      ])
      return unless([CONFLICT], (await rows()).createEntity(entityOf(containment)))
    },
    revise: async (detection, id, step) => revise({ table: await rows(), index, detection, id }, step),
    openPages: (now) => index.openPages(now),
    async listOf(detection, scope) {
      const ids = await index.idsOf(detection, scope)
      const found = await mapLimited(ids, PARALLEL, (id) => find(detection, id))
      return found.filter((row) => row !== undefined)
    },
    reindex: async (now, from) => reindex(await rows(), index, now, from),
    purge: async (before, atMost) => purge(await rows(), index, before, atMost),
    list: async (filter) => list(await rows(), filter),
  }
}

async function revise(
  { table, index, detection, id }: { table: TableClient; index: ContainmentIndex; detection: string; id: string },
  step: (row: Containment) => Containment | undefined,
): Promise<Containment | undefined> {
  for (;;) {
    const found = await findEntity<ContainmentEntity>(table, detection, id)
    const before = found && containmentOf(found)
    const after = before && step(before)
    if (!found || !before || !after) return undefined
    const [wasOpen, staysOpen] = [isOpen(before, after.updatedAt), isOpen(after, after.updatedAt)]
    if (!wasOpen && staysOpen) await index.addOpen(after)
    const entry = wasOpen && !staysOpen ? await index.findOpen(before) : undefined
    // Refused only if another writer changed the row since; judge it again.
    const written = table.updateEntity(entityOf(after), 'Replace', { etag: found.etag })
    if (!(await unless([PRECONDITION_FAILED], written))) continue
    if (entry) await index.removeOpen(before, entry)
    return after
  }
}

async function reindex(
  table: TableClient,
  index: ContainmentIndex,
  now: Date,
  from: string | undefined,
): Promise<string | undefined> {
  const unfinished = odata`state ne ${'failed'} and state ne ${'undone'} and state ne ${'closed'}`
  const filter = `(${unfinished}) or ${odata`announce ne ${''}`}`
  const pages = table.listEntities<ContainmentEntity>({ queryOptions: { filter } })
  const settings = { maxPageSize: REINDEX_PAGE, ...(from !== undefined && { continuationToken: from }) }
  const { value: page } = await pages.byPage(settings).next()
  if (!page) return undefined
  // A row that should be in the index and has not changed for long is added again: the index may have been lost.
  const isDoubted = (row: Containment) => now.getTime() - row.updatedAt.getTime() >= DOUBTED_MS
  const missing = [...page].flatMap((entity) => {
    const row = containmentOf(entity)
    return entity.open !== true || isDoubted(row) ? [row] : []
  })
  await index.addMissing(missing.filter((row) => isOpen(row, now)))
  return page.continuationToken
}

async function purge(table: TableClient, index: ContainmentIndex, before: Date, atMost: number): Promise<number> {
  const filter = odata`updatedAt lt ${before} and state ne ${'pending'}`
  const old: Containment[] = []
  for await (const row of table.listEntities<ContainmentEntity>({ queryOptions: { filter } })) {
    if (old.push(containmentOf(row)) >= atMost) break
  }
  // The row is removed last, so a later run finds and removes what a crash leaves behind.
  await mapLimited(old, PARALLEL, async (row) => {
    await index.remove(row)
    await unless([NOT_FOUND], table.deleteEntity(row.detection, row.id))
  })
  return old.length
}

/** Rows are not sorted by time, so a limit saves time for the caller only. */
async function list(
  table: TableClient,
  { states, reason, detection, since, changedSince, limit }: Parameters<ContainmentLedger['list']>[0],
): Promise<Containment[]> {
  if (states?.length === 0) return []
  const conditions = [
    ...(states ? [`(${states.map((state) => odata`state eq ${state}`).join(' or ')})`] : []),
    ...(reason ? [odata`reason eq ${reason}`] : []),
    ...(detection ? [odata`PartitionKey eq ${detection}`] : []),
    ...(since ? [odata`createdAt ge ${since}`] : []),
    ...(changedSince ? [odata`updatedAt ge ${changedSince}`] : []),
  ]
  const queryOptions = conditions.length > 0 ? { filter: conditions.join(' and ') } : {}
  const found: Containment[] = []
  for await (const row of table.listEntities<ContainmentEntity>({ queryOptions })) found.push(containmentOf(row))
  return found.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()).slice(0, limit)
}
