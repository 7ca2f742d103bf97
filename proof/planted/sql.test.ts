import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { replay } from 'alertproof'
import { sqlOf } from 'alertproof/sql'
import { expect, test } from 'vitest'
import { loadDetections } from '../../detections/harness.ts'
import { delayed, plantedLog } from './planted-log.ts'

const MINUTE_MS = 60_000

test('DuckDB finds each change that the evaluator finds in the planted log, each minute', {
  timeout: 300_000,
}, async () => {
  const detections = await loadDetections(join(import.meta.dirname, '../../detections'))
  const monitors = detections.map(({ monitor }) => monitor)
  const lines = delayed(plantedLog(detections, 20_000).events, MINUTE_MS).map(({ line }) => line)
  const dir = await mkdtemp(join(tmpdir(), 'planted-'))
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  try {
    const file = join(dir, 'planted.jsonl')
    await writeFile(file, lines.join('\n'))
    const { sql, monitors: said } = sqlOf(monitors, { from: [file] })
    const connection = await instance.connect()
    const answer = await connection.runAndReadAll(sql)
    const found = answer.getRowObjects().map(({ group, value, ...row }) => {
      return JSON.stringify({ ...row, group: JSON.parse(String(group)), value: Number(value) })
    })
    expect(said).toEqual(monitors.map(({ slug }) => slug))
    const { changes } = await replay(monitors, lines)
    const expected = changes.map(({ monitor, transition, at, group, value }) => {
      return JSON.stringify({ monitor, transition, at, group, value })
    })
    connection.closeSync()
    expect(found.sort()).toEqual(expected.sort())
  } finally {
    instance.closeSync()
    await rm(dir, { recursive: true })
  }
})
