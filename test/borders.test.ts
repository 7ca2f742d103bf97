import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CRUISE = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')

/** A house with one file in each of two rooms, held to the borders of this one. */
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato-borders-'))
  await cp(join(ROOT, '.dependency-cruiser.mjs'), join(dir, '.dependency-cruiser.mjs'))
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true })
  await writeFile(join(dir, path), text)
}

/** One file imports another one. @returns what the check prints, and its exit code */
async function check(from: string, to: string, statement = 'import'): Promise<{ code: unknown; out: string }> {
  await write(to, 'export const a = 1\n')
  const specifier = `${'../'.repeat(from.split('/').length - 1)}${to}`
  await write(from, `${statement} { a } from '${specifier}'\nexport const b = 1\n`)
  const rooms = [...new Set([from, to].map((path) => path.split('/')[0] ?? ''))]
  return new Promise((done) => {
    execFile(process.execPath, [CRUISE, ...rooms], { cwd: dir }, (error, out) => done({ code: error?.code ?? 0, out }))
  })
}

test.each([
  ['web/a.ts', 'lab/b.ts'],
  ['functions/contain/a.ts', 'evaluator/index.ts'],
  ['shared/a.ts', 'functions/b.ts'],
  ['evaluator/search/a.ts', 'shared/json.ts'],
  ['evaluator/search/a.test.ts', 'lab/b.ts'],
  ['attacks/a.ts', 'functions/b.ts'],
  ['lab/a.ts', 'attacks/b.ts'],
  ['ops/a.ts', 'lab/b.ts'],
  ['proof/a.ts', 'cli/b.ts'],
  ['proof/a.ts', 'evaluator/replay/replay.ts'],
])('%s must not import %s, not even a type', async (from, to) => {
  for (const statement of ['import', 'import type']) {
    const { code, out } = await check(from, to, statement)
    expect(out).toContain(`${from} → ${to}`)
    expect(code).not.toBe(0)
  }
})

test.each([
  ['web/a.ts', 'shared/b.ts'],
  ['web/a.test.ts', 'lab/b.ts'],
  ['detections/a.ts', 'evaluator/index.ts'],
  ['ops/a.ts', 'functions/b.ts'],
  ['cli/a.ts', 'lab/b.ts'],
])('%s may import %s', async (from, to) => {
  expect(await check(from, to)).toMatchObject({ code: 0 })
})

test('two files that import each other are a circle', async () => {
  await write('web/b.ts', "import { a } from './a.ts'\nexport const b = a\n")
  await write('web/a.ts', "import { b } from './b.ts'\nexport const a = b\n")
  const { code, out } = await new Promise<{ code: unknown; out: string }>((done) => {
    execFile(process.execPath, [CRUISE, 'web'], { cwd: dir }, (error, text) =>
      done({ code: error?.code ?? 0, out: text }),
    )
  })
  expect(out).toContain('no circle of files')
  expect(code).not.toBe(0)
})
