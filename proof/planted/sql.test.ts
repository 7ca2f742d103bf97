import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { replay } from 'alertproof'
import { loadRules } from 'alertproof/siem'
import { sqlOf } from 'alertproof/sql'
import { expect, test } from 'vitest'
import { loadDetections } from '../../detections/harness.ts'
import { delayed, plantedLog } from './planted-log.ts'

const MINUTE_MS = 60_000

const severityOf = (change: { readonly severity?: string }): string | null => change.severity ?? null

test('DuckDB finds each change of monitors and rules that the evaluator finds in the planted log', {
  timeout: 300_000,
}, async () => {
  const folder = join(import.meta.dirname, '../../detections')
  const detections = await loadDetections(folder)
  const rules = await loadRules(folder)
  expect(rules.length).toBeGreaterThan(0)
  const all = [
    ...detections.map(({ monitor }) => monitor),
    ...rules.map((rule) => ({ ...rule, slug: `${rule.slug}-siem` })),
  ]
  const lines = delayed(plantedLog(detections, 20_000).events, MINUTE_MS).map(({ line }) => line)
  const dir = await mkdtemp(join(tmpdir(), 'planted-'))
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  try {
    const file = join(dir, 'planted.jsonl')
    await writeFile(file, lines.join('\n'))
    const { sql, monitors: said } = sqlOf(all, { from: [file] })
    const connection = await instance.connect()
    const answer = await connection.runAndReadAll(sql)
    const found = answer.getRowObjects().map(({ group, value, ...row }) => {
      return JSON.stringify({ ...row, group: JSON.parse(String(group)), value: Number(value) })
    })
    expect(said).toEqual(all.map(({ slug }) => slug))
    const { changes } = await replay(all, lines)
    const expected = changes.map(({ monitor, transition, at, group, value, ...change }) => {
      return JSON.stringify({ monitor, transition, at, severity: severityOf(change), group, value })
    })
    expect(expected.filter((row) => row.includes('-siem'))).not.toEqual([])
    connection.closeSync()
    expect(found.sort()).toEqual(expected.sort())
  } finally {
    instance.closeSync()
    await rm(dir, { recursive: true })
  }
})
