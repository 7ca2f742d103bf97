import { createHash } from 'node:crypto'
import { odata, type TableEntityResult } from '@azure/data-tables'
import type { Containment } from '../../../shared/stores/port.ts'
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

/** How many rows are read or written at once. */
export const PARALLEL = 10
const PAGE = 100
const OPEN = 'open'
/**
 * How long an index row without an open row may belong to a claim under way, even in a suspended process. The reader
 * counts from its first sight, because the clock of the claim may be wrong.
 */
const ORPHAN_MS = 15 * 60_000

/** A row of the index of open rows, if it names a row. */
interface OpenEntry {
  rowKey: string
  detection?: unknown
  id?: unknown
}

type Find = (detection: string, id: string) => Promise<Containment | undefined>

/** Rows are returned in key order, so this key sorts them by age. */
const openKey = ({ createdAt, id }: Containment) => `${createdAt.toISOString().replaceAll(':', '')}-${id}`
const subjectKey = (detection: string, scope: string) =>
  createHash('sha256').update(`${detection}|${scope}`).digest('hex')
const openEntryOf = (row: Containment) => ({
  partitionKey: OPEN,
  rowKey: openKey(row),
  id: row.id,
  detection: row.detection,
})

/** The table `containmentindex`: which rows of the ledger are open, and which are about one subject. */
export class ContainmentIndex {
  readonly #tables: Tables
  readonly #find: Find
  /** When index rows without an open row were first seen, by key and etag: epoch ms. */
  readonly #orphans = new Map<string, number>()

  /** @param find reads a row of the ledger */
  constructor(tables: Tables, find: Find) {
    this.#tables = tables
    this.#find = find
  }

  #table() {
    return this.#tables.open('containmentindex')
  }

  async addSubject({ id, detection, scope }: Containment): Promise<void> {
    const entry = { partitionKey: subjectKey(detection, scope), rowKey: id, detection }
    await (await this.#table()).upsertEntity(entry, 'Replace')
  }

  async addOpen(row: Containment): Promise<void> {
    await (await this.#table()).upsertEntity(openEntryOf(row), 'Replace')
  }

  /** Adds the rows that are missing, and leaves the others unchanged. */
  async addMissing(rows: readonly Containment[]): Promise<void> {
    const table = await this.#table()
    await mapLimited(rows, PARALLEL, (row) => unless([CONFLICT], table.createEntity(openEntryOf(row))))
  }

  async findOpen(row: Containment): Promise<{ etag: string } | undefined> {
    return findEntity(await this.#table(), OPEN, openKey(row))
  }

  /** Removes the entry of an open row, unless it was written again since it was read. */
  removeOpen(row: Containment, { etag }: { etag: string }): Promise<void> {
    return this.#removeEntry(openKey(row), etag)
  }

  async #removeEntry(rowKey: string, etag: string): Promise<void> {
    await unless([NOT_FOUND, PRECONDITION_FAILED], (await this.#table()).deleteEntity(OPEN, rowKey, { etag }))
  }

  /** Removes every entry of a row that is about to be removed. */
  async remove(row: Containment): Promise<void> {
    const table = await this.#table()
    await Promise.all([
      unless([NOT_FOUND], table.deleteEntity(subjectKey(row.detection, row.scope), row.id)),
      unless([NOT_FOUND], table.deleteEntity(OPEN, openKey(row))),
    ])
  }

  /** The ids of the rows about one subject. */
  async idsOf(detection: string, scope: string): Promise<string[]> {
    const filter = odata`PartitionKey eq ${subjectKey(detection, scope)}`
    const ids: string[] = []
    const entries = (await this.#table()).listEntities<{ rowKey: string }>({
      queryOptions: { filter, select: ['RowKey'] },
    })
    for await (const { rowKey } of entries) ids.push(rowKey)
    return ids
  }

  /** The open rows, oldest first, page by page. Entries that belong to no open row are removed after a while. */
  async *openPages(now: Date): AsyncGenerator<Containment[]> {
    const filter = odata`PartitionKey eq ${OPEN}`
    const entries = (await this.#table()).listEntities<OpenEntry>({ queryOptions: { filter } })
    const met = new Set<string>()
    for await (const page of entries.byPage({ maxPageSize: PAGE })) {
      const found = await mapLimited(page, PARALLEL, (entry) => this.#openRowOf(entry, now, met))
      const open = found.filter((row) => row !== undefined)
      if (open.length > 0) yield open
    }
    for (const version of this.#orphans.keys()) if (!met.has(version)) this.#orphans.delete(version)
  }

  /** @param met receives the entries that belong to no open row */
  async #openRowOf(
    { detection, id, rowKey, etag }: TableEntityResult<OpenEntry>,
    now: Date,
    met: Set<string>,
  ): Promise<Containment | undefined> {
    // An entry that names no row is useless; its row is found by the search through all rows.
    if (typeof detection !== 'string' || typeof id !== 'string') return void (await this.#removeEntry(rowKey, etag))
    const row = await this.#find(detection, id)
    // After two concurrent claims the slower one leaves an index row that does not belong to the row.
    const isOwn = row === undefined || rowKey === openKey(row) || (await this.findOpen(row)) === undefined
    if (row && isOwn && isOpen(row, now)) return row
    const version = `${rowKey} ${etag}`
    const since = this.#orphans.get(version) ?? now.getTime()
    if (!isOwn || now.getTime() - since >= ORPHAN_MS) await this.#removeEntry(rowKey, etag)
    else this.#orphans.set(version, since)
    met.add(version)
    return undefined
  }
}
