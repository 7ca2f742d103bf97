import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseSearch } from 'alertproof'
import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../ops/datadog-api/catalogue.ts'
import { eventFields } from '../shared/event.ts'
import { type Model, modelOf, schemaFaults, sentOf } from './datadog-schema.ts'

/** What each file is to Datadog, by its name. */
const models: Record<string, Model> = {
  'monitor.json': 'Monitor',
  'webhook.json': 'WebhooksIntegration',
  'siem-webhook.json': 'WebhooksIntegration',
  'pipeline.json': 'LogsPipeline',
  'dashboard.json': 'Dashboard',
  'siem.json': 'SecurityMonitoringStandardRuleCreatePayload',
}

const here = import.meta.dirname
const paths = await readdir(here, { recursive: true })
const files = await Promise.all(
  paths
    .filter((path) => path.endsWith('.json'))
    .map(async (path) => ({
      path,
      model: models[basename(path)],
      json: JSON.parse(await readFile(join(here, path), 'utf8')),
    })),
)

describe.each(files)('$path', ({ model, json }) => {
  test('goes over the wire exactly as it lies here', () => {
    expect(sentOf(model as Model, modelOf(model as Model, json))).toEqual(json)
  })
})

test('a file with one misspelt key, wherever it is, is not one of them', () => {
  for (const { model, json } of files) {
    const misspelt = structuredClone(json)
    const inner =
      misspelt.options ?? misspelt.processors?.[0] ?? misspelt.widgets?.[0].definition.requests[0] ?? misspelt
    inner.misspelt = 1
    expect(schemaFaults(model as Model, misspelt)).not.toEqual([])
  }
})

test('the catalogue can be pushed', async () => {
  const { monitors } = await loadCatalogue(here)
  expect(monitors.length).toBeGreaterThan(1)
})

describe('the dashboard', () => {
  const dashboard = files.find(({ path }) => path === 'dashboard.json')?.json
  const text = JSON.stringify(dashboard)

  test('asks in a syntax that is documented', () => {
    const queries = [...text.matchAll(/"(?:query|query_string)":"(service:[^"]+)"/g)].map(([, query = '']) => query)
    expect(queries.length).toBeGreaterThan(15)
    for (const query of queries) expect(parseSearch(query.replace('$env', 'env:prod')).undocumented).toEqual([])
  })

  test('asks only for fields that the app logs', () => {
    const fields = [...text.matchAll(/@([A-Za-z_][\w.]*)/g)].map(([, field = '']) => field)
    expect(fields.length).toBeGreaterThan(30)
    expect(fields.filter((field) => !eventFields.has(field))).toEqual([])
  })

  test('has no two widgets in one place, and none beyond the twelfth column', () => {
    const taken = new Set<string>()
    for (const { layout } of dashboard.widgets) {
      expect(layout.x + layout.width).toBeLessThanOrEqual(12)
      for (let x = layout.x; x < layout.x + layout.width; x++) {
        for (let y = layout.y; y < layout.y + layout.height; y++) {
          expect(taken.has(`${x},${y}`)).toBe(false)
          taken.add(`${x},${y}`)
        }
      }
    }
  })
})

test('docs/datadog.md names every facet that a monitor or widget groups by or counts', async () => {
  const page = await readFile(join(here, '../docs/datadog.md'), 'utf8')
  const table = page.split('\n').filter((line) => line.startsWith('| `@'))
  const named = table.flatMap((line) =>
    [...(line.split('|')[1] ?? '').matchAll(/`(@[\w.]+)`/g)].map(([, path]) => path),
  )
  const text = files.map(({ json }) => JSON.stringify(json)).join('')
  const grouped = [
    ...[...text.matchAll(/(?:by|rollup)\(([^)]*)\)/g)].flatMap(([, args = '']) => args.match(/@[\w.]+/g) ?? []),
    ...[...text.matchAll(/"(?:facet|metric)":"(@[\w.]+)"/g)].map(([, path]) => path),
  ]
  expect(grouped.length).toBeGreaterThan(15)
  expect(grouped.filter((path) => !named.includes(path))).toEqual([])
})
