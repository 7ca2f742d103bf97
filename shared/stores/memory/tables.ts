import { RestError, type TableClient } from '@azure/data-tables'
import { unchecked } from '../../unchecked.ts'
import type { Tables } from '../tables/client.ts'
import { CONFLICT, NOT_FOUND, PRECONDITION_FAILED } from '../tables/entity.ts'
import { parseFilter } from './table-filter.ts'

type Row = Readonly<Record<string, unknown>>
type Entity = Row & { partitionKey: string; rowKey: string }
type Mode = 'Merge' | 'Replace'
type Action = ['create' | 'delete', Entity] | ['update' | 'upsert', Entity, Mode?]

/** Runs each operation on a table: the caller decides when it runs, and whether it fails. */
export type Perform = <T>(operation: string, run: () => T) => Promise<T>

export interface MemoryTablesOptions {
  perform?: Perform | undefined
  /** epoch ms; the clock of the service, which dates its rows */
  now?: (() => number) | undefined
}

/** What one page of a listing holds at most. @see Query timeout and pagination, Table service REST API */
const PAGE = 1000

export interface MemoryTables extends Tables {
  /** Another client of the same tables, with its own `perform`. */
  through(perform: Perform): MemoryTables
}

/**
 * Tables in this process only, with the features that the ledgers rely on: keys, conditional writes by etag, rows in
 * key order, filters, pages, transactions. The ledgers themselves are the real ones.
 */
export function createMemoryTables({ perform = atOnce, now = Date.now }: MemoryTablesOptions = {}): MemoryTables {
  return clientOf({ kept: new Map(), stamp: stampBy(now) }, perform)
}

const atOnce: Perform = async (_, run) => run()

/** The time of each write as the service gives it. Many writes are of one millisecond. */
function stampBy(now: () => number): () => string {
  let [ms, text] = [Number.NaN, '']
  return () => {
    const time = now()
    if (time !== ms) [ms, text] = [time, new Date(time).toISOString()]
    return text
  }
}

interface Service {
  kept: Map<string, Partitions>
  stamp: () => string
}

function clientOf(service: Service, perform: Perform): MemoryTables {
  const { kept, stamp } = service
  const tables = new Map<string, Promise<TableClient>>()
  const open = async (name: string) => {
    const partitions: Partitions = kept.get(name) ?? new Map()
    kept.set(name, partitions)
    const table = new MemoryTable(partitions, stamp, (operation, run) => perform(`${name}.${operation}`, run))
    // The class of the library has many more methods than the ledgers call.
    return unchecked<TableClient>(table)
  }
  return {
    through: (other) => clientOf(service, other),
    open(name) {
      const table = tables.get(name) ?? open(name)
      tables.set(name, table)
      return table
    },
    async ping() {},
  }
}

type Partitions = Map<string, Map<string, Row>>

/** Counts the writes to all tables: no etag is used twice. */
let writes = 0

class MemoryTable {
  readonly #partitions: Partitions
  readonly #stamp: () => string
  readonly #perform: Perform

  constructor(partitions: Partitions, stamp: () => string, perform: Perform) {
    this.#partitions = partitions
    this.#stamp = stamp
    this.#perform = perform
  }

  createEntity(entity: Entity) {
    return this.#perform('create', () => this.#create(entity))
  }

  getEntity(partitionKey: string, rowKey: string) {
    return this.#perform('get', () => this.#find(partitionKey, rowKey))
  }

  updateEntity(entity: Entity, mode: Mode = 'Merge', options: { etag?: string } = {}) {
    return this.#perform('update', () => this.#update(entity, mode, options.etag))
  }

  upsertEntity(entity: Entity, mode: Mode = 'Merge') {
    return this.#perform('upsert', () => this.#upsert(entity, mode))
  }

  deleteEntity(partitionKey: string, rowKey: string, options: { etag?: string } = {}) {
    return this.#perform('delete', () => this.#delete(partitionKey, rowKey, options.etag))
  }

  /** All of it or nothing. */
  submitTransaction(actions: readonly Action[]) {
    return this.#perform('transaction', () => {
      const before = new Map(actions.map(([, { partitionKey }]) => [partitionKey, this.#copyOf(partitionKey)]))
      try {
        for (const [kind, entity, mode] of actions) {
          if (kind === 'create') this.#create(entity)
          else if (kind === 'delete') this.#delete(entity.partitionKey, entity.rowKey)
          else if (kind === 'update') this.#update(entity, mode ?? 'Merge')
          else this.#upsert(entity, mode ?? 'Merge')
        }
      } catch (error) {
        for (const [key, rows] of before) {
          if (rows) this.#partitions.set(key, rows)
          else this.#partitions.delete(key)
        }
        throw error
      }
    })
  }

  listEntities({ queryOptions = {} }: { queryOptions?: { filter?: string; select?: string[] } } = {}) {
    const pages = (size: number, from?: string) => this.#pages(queryOptions.filter ?? '', size, from)
    const iterator = rowsOf(pages(PAGE))
    return {
      next: iterator.next,
      [Symbol.asyncIterator]: () => iterator,
      byPage: ({ maxPageSize = PAGE, continuationToken }: { maxPageSize?: number; continuationToken?: string } = {}) =>
        pages(maxPageSize, continuationToken),
    }
  }

  /** Reads each page on demand, from the first row after the last row of the page before. */
  async *#pages(filter: string, size: number, from?: string) {
    const { partition, matches } = parseFilter(filter)
    let token = from
    do {
      const page = await this.#perform('list', () => {
        const rows: Row[] = []
        let last: string | undefined
        for (const [key, row] of this.#inOrder(partition)) {
          if (token !== undefined && key <= token) continue
          if (!matches(row)) continue
          if (rows.length === size) return Object.assign(rows, { continuationToken: last })
          rows.push(row)
          last = key
        }
        return Object.assign(rows, { continuationToken: undefined })
      })
      yield page
      token = page.continuationToken
    } while (token !== undefined)
  }

  #copyOf(partition: string): Map<string, Row> | undefined {
    const rows = this.#partitions.get(partition)
    return rows && new Map(rows)
  }

  #inOrder(partition: string | undefined): [key: string, row: Row][] {
    const rows: [string, Row][] = []
    const found = partition === undefined ? undefined : this.#partitions.get(partition)
    const read = partition === undefined ? this.#partitions : found ? [[partition, found] as const] : []
    for (const [name, kept] of read) {
      for (const [rowKey, row] of kept) rows.push([`${name}\u0000${rowKey}`, row])
    }
    return rows.sort(([a], [b]) => (a < b ? -1 : 1))
  }

  #find(partitionKey: string, rowKey: string): Row {
    const row = this.#partitions.get(partitionKey)?.get(rowKey)
    if (!row) throw failure(NOT_FOUND, 'ResourceNotFound')
    return row
  }

  #create(entity: Entity) {
    if (this.#partitions.get(entity.partitionKey)?.has(entity.rowKey)) throw failure(CONFLICT, 'EntityAlreadyExists')
    return this.#write(entity)
  }

  #update(entity: Entity, mode: Mode, etag = '*') {
    const row = this.#find(entity.partitionKey, entity.rowKey)
    if (etag !== '*' && etag !== row.etag) throw failure(PRECONDITION_FAILED, 'UpdateConditionNotSatisfied')
    return this.#write(entity, mode === 'Merge' ? row : undefined)
  }

  #upsert(entity: Entity, mode: Mode) {
    const row = this.#partitions.get(entity.partitionKey)?.get(entity.rowKey)
    return this.#write(entity, mode === 'Merge' ? row : undefined)
  }

  #delete(partitionKey: string, rowKey: string, etag = '*') {
    const row = this.#find(partitionKey, rowKey)
    if (etag !== '*' && etag !== row.etag) throw failure(PRECONDITION_FAILED, 'UpdateConditionNotSatisfied')
    this.#partitions.get(partitionKey)?.delete(rowKey)
  }

  /** @param before the row that a merge adds to */
  #write(entity: Entity, before?: Row) {
    const etag = `W/"${++writes}"`
    let partition = this.#partitions.get(entity.partitionKey)
    if (!partition) {
      partition = new Map()
      this.#partitions.set(entity.partitionKey, partition)
    }
    partition.set(entity.rowKey, { ...before, ...defined(entity), etag, timestamp: this.#stamp() })
    return { etag }
  }
}

/** The rows of all pages. A generator would wait three times for each row. */
function rowsOf(pages: AsyncIterator<readonly Row[]>): AsyncIterator<Row> {
  let rows: Iterator<Row> = [][Symbol.iterator]()
  return {
    async next() {
      for (;;) {
        const row = rows.next()
        if (!row.done) return row
        const page = await pages.next()
        if (page.done) return { done: true, value: undefined }
        rows = page.value[Symbol.iterator]()
      }
    },
  }
}

/** The service does not keep a property without a value, and a merge leaves it unchanged. */
function defined(entity: Entity): Row {
  // Most rows have all values and need no copy.
  if (Object.values(entity).every(isValue)) return entity
  return Object.fromEntries(Object.entries(entity).filter(([, value]) => isValue(value)))
}

const isValue = (value: unknown) => value !== undefined && value !== null

const answers = new Map<number, RestError>()

/** One error per status: callers read only the status, and a stack per error would cost more than the operation. */
function failure(statusCode: number, code: string): RestError {
  const answer = answers.get(statusCode) ?? new RestError(code, { statusCode, code })
  answers.set(statusCode, answer)
  return answer
}
