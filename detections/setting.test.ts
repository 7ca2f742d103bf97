import { join } from 'node:path'
import { readImportable } from 'alertproof'
import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../ops/datadog-api/catalogue.ts'
import { type Profile, profiles } from './profiles.ts'
import { withSetting } from './setting.ts'

const dir = join(import.meta.dirname, '.')
const asFiled = await loadCatalogue(dir)
const prod: Profile = profiles.prod

test('the profile demo is the files as they are', async () => {
  expect(await loadCatalogue(dir, 'demo')).toEqual(asFiled)
})

describe('a monitor of the profile prod', async () => {
  const { monitors } = await loadCatalogue(dir, 'prod')
  test.each(monitors)('$slug can be read, and says its own number', ({ slug, json }) => {
    const filed = asFiled.monitors.find((each) => each.slug === slug)?.json
    const { parsed, options } = readImportable(JSON.stringify(json), `${slug}/monitor.json`)
    const { threshold, window } = prod[slug] ?? {}
    expect(options.thresholds).toEqual({ critical: parsed.threshold })
    if (threshold !== undefined) expect(parsed.threshold).toBe(threshold)
    if (window) expect(json.message).toContain(window.is)
    if (window) expect(json.message).not.toContain(window.was)
    if (threshold === undefined && !window) expect(json).toEqual(filed)
    const search = (query: unknown) => String(query).split('.last(')[0]
    expect(search(json.query)).toBe(search(filed?.query))
  })
})

describe('a setting is refused', () => {
  const monitor = (change: object) => ({
    query: 'logs("*").index("*").rollup("count").last("5m") > 10',
    message: 'within five minutes',
    options: { thresholds: { critical: 10 } },
    ...change,
  })
  const window = { last: '10m', was: 'five minutes', is: 'ten minutes' }

  test('where the message would go on to name the old window', () => {
    expect(() => withSetting('x', monitor({ message: 'soon' }), { window, source: '' })).toThrow('five minutes')
  })

  test('where another threshold belongs to the old number', () => {
    const options = { thresholds: { critical: 10, warning: 5 } }
    expect(() => withSetting('x', monitor({ options }), { threshold: 3, source: '' })).toThrow('warning')
  })

  test('where the query has no number', () => {
    expect(() => withSetting('x', monitor({ query: 'logs("*")' }), { threshold: 3, source: '' })).toThrow(
      'x: its query',
    )
  })
})
