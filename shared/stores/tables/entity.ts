import type { TableClient, TableEntityResult } from '@azure/data-tables'
import { statusOf } from '../../error.ts'

/** Answers of the table service that a caller expects. `statusCode` tells them apart: `code` is not always set. */
export const NOT_FOUND = 404
export const CONFLICT = 409
export const PRECONDITION_FAILED = 412

/** @returns true when the operation went through, false when the service answered with one of `statuses` */
export async function unless(statuses: readonly number[], operation: Promise<unknown>): Promise<boolean> {
  try {
    await operation
    return true
  } catch (error) {
    if (isAnswer(error, statuses)) return false
    throw error
  }
}

/** The date in a column; undefined for anything else, which a manual edit or a backup may have written. */
export const dateIn = (value: unknown): Date | undefined =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? value : undefined

export async function findEntity<Row extends object>(
  table: TableClient,
  partitionKey: string,
  rowKey: string,
): Promise<TableEntityResult<Row> | undefined> {
  try {
    return await table.getEntity<Row>(partitionKey, rowKey)
  } catch (error) {
    if (isAnswer(error, [NOT_FOUND])) return undefined
    throw error
  }
}

const isAnswer = (error: unknown, statuses: readonly number[]) => statuses.includes(statusOf(error) ?? 0)

/** Runs `task` for each item, at most `limit` at a time. @returns the results in the order of the items */
export async function mapLimited<T, R>(items: readonly T[], limit: number, task: (item: T) => Promise<R>) {
  const results: R[] = []
  const queue = items.entries()
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await task(item)
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return results
}
