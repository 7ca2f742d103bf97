import { createHash } from 'node:crypto'
import { odata } from '@azure/data-tables'
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
import { type ContainmentEntity, containmentOf, entityOf } from './containment-row.ts'

const PARALLEL = 10
const PAGE = 100
const REINDEX_PAGE = 500
const OPEN = 'open'
/**
 * How long an index row without an open row may belong to a claim under way, even in a suspended process. The reader
 * counts from its first sight, because the clock of the claim may be wrong.
 */
const ORPHAN_MS = 15 * 60_000
/** An open row in the index is touched more often than this. Less than the age at which it is held. */
const DOUBTED_MS = 5 * 60_000

/** A row of the index of open rows, if it names a row. */
interface OpenEntry {
  rowKey: string
  detection?: unknown
  id?: unknown
}

/** Rows are returned in key order, so this key sorts them by age. */
const openKey = ({ createdAt, id }: Containment) => `${createdAt.toISOString().replaceAll(':', '')}-${id}`
const subjectKey = (detection: string, scope: string) =>
  createHash('sha256').update(`${detection}|${scope}`).digest('hex')

/**
 * What was contained and why, in two tables:
 *   containments      partition detection, row id: the ledger itself. The id is made of what a claim must be unique in
 *   containmentindex  partition `open`, row age and id: the open ones, oldest first, for the sweeper
 *                     partition SHA-256 of detection and scope, row id: the rows of one subject
 * Tables have no transactions across partitions, so an index row is written before its row and removed after it: what a
 * crash leaves behind is an index row too many, which {@link ContainmentLedger.openPages} removes. It is removed by its
 * etag, read before the row was closed: who opens the row again meanwhile has written it anew.
 */
export function createContainmentLedger(tables: Tables): ContainmentLedger {
  const rows = () => tables.open('containments')
  const index = () => tables.open('containmentindex')
  /** When index rows without an open row were first seen, by key and etag: epoch ms. */
  const orphans = new Map<string, number>()

  const find = async (detection: string, id: string) => {
    const row = await findEntity<ContainmentEntity>(await rows(), detection, id)
    return row && containmentOf(row)
  }
  async function enlist(row: Containment): Promise<void> {
    const { id, detection } = row
    await (await index()).upsertEntity({ partitionKey: OPEN, rowKey: openKey(row), id, detection }, 'Replace')
  }
  const isListed = async (row: Containment) => (await findEntity(await index(), OPEN, openKey(row))) !== undefined
  async function delist(rowKey: string, etag: string): Promise<void> {
    await unless([NOT_FOUND, PRECONDITION_FAILED], (await index()).deleteEntity(OPEN, rowKey, { etag }))
  }

  return {
    find,

    async claim(containment) {
      const { id, detection, scope } = containment
      const subject = { partitionKey: subjectKey(detection, scope), rowKey: id, detection }
      await Promise.all([
        index().then((table) => table.upsertEntity(subject, 'Replace')),
        isOpen(containment, containment.updatedAt) && enlist(containment),
      ])
      return unless([CONFLICT], (await rows()).createEntity(entityOf(containment)))
    },

    async revise(detection, id, step) {
      const table = await rows()
      for (;;) {
        const found = await findEntity<ContainmentEntity>(table, detection, id)
        const before = found && containmentOf(found)
        const after = before && step(before)
        if (!found || !before || !after) return undefined
        const [wasOpen, staysOpen] = [isOpen(before, after.updatedAt), isOpen(after, after.updatedAt)]
        if (!wasOpen && staysOpen) await enlist(after)
        const entry = wasOpen && !staysOpen ? await findEntity(await index(), OPEN, openKey(before)) : undefined
        // Refused only if another writer changed the row since; judge it again.
        const written = table.updateEntity(entityOf(after), 'Replace', { etag: found.etag })
        if (!(await unless([PRECONDITION_FAILED], written))) continue
        if (entry) await delist(openKey(before), entry.etag)
        return after
      }
    },

    async *openPages(now) {
      const filter = odata`PartitionKey eq ${OPEN}`
      const entries = (await index()).listEntities<OpenEntry>({ queryOptions: { filter } })
      const met = new Set<string>()
      for await (const page of entries.byPage({ maxPageSize: PAGE })) {
        const found = await mapLimited(page, PARALLEL, async ({ detection, id, rowKey = '', etag }) => {
          // An entry that names no row is useless; its row is found by the search through all rows.
          if (typeof detection !== 'string' || typeof id !== 'string') return void (await delist(rowKey, etag))
          const row = await find(detection, id)
          // After two concurrent claims the slower one leaves an index row that does not belong to the row.
          const isOwn = row === undefined || rowKey === openKey(row) || !(await isListed(row))
          if (row && isOwn && isOpen(row, now)) return row
          const version = `${rowKey} ${etag}`
          const since = orphans.get(version) ?? now.getTime()
          if (!isOwn || now.getTime() - since >= ORPHAN_MS) await delist(rowKey, etag)
          else orphans.set(version, since)
          met.add(version)
          return undefined
        })
        const open = found.filter((row) => row !== undefined)
        if (open.length > 0) yield open
      }
      for (const version of orphans.keys()) if (!met.has(version)) orphans.delete(version)
    },

    async listOf(detection, scope) {
      const filter = odata`PartitionKey eq ${subjectKey(detection, scope)}`
      const ids: string[] = []
      const entries = (await index()).listEntities<{ rowKey: string }>({ queryOptions: { filter, select: ['RowKey'] } })
      for await (const { rowKey } of entries) ids.push(rowKey)
      const found = await mapLimited(ids, PARALLEL, (id) => find(detection, id))
      return found.filter((row) => row !== undefined)
    },

    async reindex(now, from) {
      const unfinished = odata`state ne ${'failed'} and state ne ${'undone'} and state ne ${'closed'}`
      const filter = `(${unfinished}) or ${odata`announce ne ${''}`}`
      const pages = (await rows()).listEntities<ContainmentEntity>({ queryOptions: { filter } })
      const settings = { maxPageSize: REINDEX_PAGE, ...(from !== undefined && { continuationToken: from }) }
      const { value: page } = await pages.byPage(settings).next()
      if (!page) return undefined
      const table = await index()
      // A row that should be in the index and has not changed for long is looked up there: the index may have been
      // lost.
      const isDoubted = (row: Containment) => now.getTime() - row.updatedAt.getTime() >= DOUBTED_MS
      const missing = [...page].flatMap((entity) => {
        const row = containmentOf(entity)
        return entity.open !== true || isDoubted(row) ? [row] : []
      })
      const open = missing.filter((row) => isOpen(row, now))
      await mapLimited(open, PARALLEL, (row) => {
        const { id, detection } = row
        return unless([CONFLICT], table.createEntity({ partitionKey: OPEN, rowKey: openKey(row), id, detection }))
      })
      return page.continuationToken
    },

    async purge(before, atMost) {
      const [table, lookup] = await Promise.all([rows(), index()])
      const filter = odata`updatedAt lt ${before} and state ne ${'pending'}`
      const old: Containment[] = []
      for await (const row of table.listEntities<ContainmentEntity>({ queryOptions: { filter } })) {
        if (old.push(containmentOf(row)) >= atMost) break
      }
      // The row is removed last, so a later run finds and removes what a crash leaves behind.
      await mapLimited(old, PARALLEL, async (row) => {
        const { detection, id, scope } = row
        await Promise.all([
          unless([NOT_FOUND], lookup.deleteEntity(subjectKey(detection, scope), id)),
          unless([NOT_FOUND], lookup.deleteEntity(OPEN, openKey(row))),
        ])
        await unless([NOT_FOUND], table.deleteEntity(detection, id))
      })
      return old.length
    },

    /** Rows are not sorted by time, so a limit saves time for the caller only. */
    async list({ states, reason, detection, since, changedSince, limit }) {
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
      for await (const row of (await rows()).listEntities<ContainmentEntity>({ queryOptions }))
        found.push(containmentOf(row))
      return found.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()).slice(0, limit)
    },
  }
}
