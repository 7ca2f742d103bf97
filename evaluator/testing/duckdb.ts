import { DuckDBInstance } from '@duckdb/node-api'
import type { Change } from '../api.ts'

/** Runs statements in DuckDB. @returns the rows with which the last of them answers */
export async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  try {
    const connection = await instance.connect()
    const reader = await connection.runAndReadAll(sql)
    const rows = reader.getRowObjects()
    connection.closeSync()
    return rows
  } finally {
    instance.closeSync()
  }
}

/** Runs the statements that `alertproof sql` prints. @returns the changes with which they answer */
export async function changesOf(sql: string): Promise<Change[]> {
  const rows = await rowsOf(sql)
  return rows.map(({ monitor, transition, group, at, value }) => ({
    monitor: String(monitor),
    transition: String(transition) as Change['transition'],
    group: JSON.parse(String(group)) as Change['group'],
    at: String(at),
    value: Number(value),
  }))
}
