import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decisionsIn, decisionsPage } from './decisions.ts'

const root = join(import.meta.dirname, '../..')

test('docs/decisions.md is up to date with the code (`npm run docs` writes it)', async () => {
  expect(await readFile(join(root, 'docs/decisions.md'), 'utf8')).toBe(await decisionsPage(root))
})

test('every decision has a unique name and a text', async () => {
  const decisions = await decisionsIn(root)
  expect(decisions.length).toBeGreaterThan(20)
  expect(new Set(decisions.map(({ name }) => name)).size).toBe(decisions.length)
  for (const { name, text } of decisions) expect(text.length, name).toBeGreaterThan(20)
})
