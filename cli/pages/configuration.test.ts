import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { configSchemas } from '../../shared/config.ts'
import { configurationPage } from './configuration.ts'

const page = configurationPage()

test('docs/configuration.md is up to date with the schemas (`npm run docs` writes it)', async () => {
  expect(await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8')).toBe(page)
})

test('every variable of every reader has one row, with its meaning and who reads it', () => {
  for (const [reader, schema] of Object.entries(configSchemas)) {
    for (const name of Object.keys(schema.shape)) {
      const rows = page.split('\n').filter((line) => line.startsWith(`| \`${name}\` |`))
      expect(rows, name).toHaveLength(1)
      const [, , meaning, form, fallback, readBy] =
        rows[0]?.split(' | ').flatMap((cell, i) => (i === 0 ? ['', cell] : [cell])) ?? []
      expect([meaning, form, fallback].every(Boolean), name).toBe(true)
      expect(readBy, name).toContain(reader)
    }
  }
})

test('the page shows the defaults of the schema', () => {
  expect(page).toMatch(/\| `SESSION_IDLE_SECONDS` \|.*\| `3600` \| functions, web \|/)
  expect(page).toMatch(/\| `SESSION_SIGNING_KEYS` \|.*\| required \| functions \|/)
  expect(page).toMatch(/\| `EGRESS_ADDRESSES` \|.*\| optional \| functions \|/)
})
