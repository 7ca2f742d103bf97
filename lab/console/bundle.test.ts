import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { page } from '../../build.mjs'

const DIST = fileURLToPath(new URL('../../dist/console/', import.meta.url))

test('the page is made of its own folder, the contract of its data, and three packages', async () => {
  const { metafile } = await build({ ...page, metafile: true })
  const foreign = Object.keys(metafile.inputs).filter(
    (path) =>
      !/^lab\/console\/(app\/|api\.ts$)/.test(path) &&
      !/(^|\/)node_modules\/(preact|@preact\/signals(-core)?|uplot)\//.test(path),
  )
  expect(foreign).toEqual([])
})

test('the first load is at most 150 KB compressed', async () => {
  const names = JSON.parse(await readFile(`${DIST}assets.json`, 'utf8')) as { files: Record<string, string> }
  const paths = ['index.html', ...Object.values(names.files).map((name) => `assets/${name}`)]
  const sizes = await Promise.all(paths.map(async (path) => gzipSync(await readFile(DIST + path)).length))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(150_000)
})

test('the page names no inline script and no inline style', async () => {
  const html = await readFile(`${DIST}index.html`, 'utf8')
  expect(html).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/i)
  expect(html).not.toContain('{{')
})
