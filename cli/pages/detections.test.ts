import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMonitors } from 'alertproof'
import { expect, test } from 'vitest'
import { type Profile, profiles } from '../../detections/profiles.ts'
import { detectionsPage } from './detections.ts'

const root = join(import.meta.dirname, '../..')
const page = await detectionsPage(root)

test('docs/detections.md is up to date with the files (`npm run docs` writes it)', async () => {
  expect(await readFile(join(root, 'docs/detections.md'), 'utf8')).toBe(page)
})

const PROD: Profile = profiles.prod

test('every detection has a row with blind spots in the first table and a row with a source in the second', async () => {
  for (const { slug } of await loadMonitors(join(root, 'detections'))) {
    const [catalogue, ...others] = page.split('\n').filter((line) => line.startsWith(`| [${slug}]`))
    expect(others).toEqual([])
    const cells = catalogue?.split(' | ') ?? []
    expect(cells).toHaveLength(6)
    expect(cells.at(-1)?.length, slug).toBeGreaterThan(20)
    const [profile] = page.split('\n').filter((line) => line.startsWith(`| ${slug} |`))
    expect(profile).toContain(PROD[slug]?.source)
  }
})
