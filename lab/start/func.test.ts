import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findFunc } from './func.ts'

const path = process.env.PATH
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato func '))
  process.env.PATH = dir
})
afterEach(async () => {
  process.env.PATH = path
  await rm(dir, { recursive: true, force: true })
})

async function install(script: string): Promise<void> {
  await writeFile(join(dir, 'func'), `#!/bin/sh\n${script}\n`)
  await chmod(join(dir, 'func'), 0o755)
}

test.skipIf(process.platform === 'win32')('a func that says its version is there', async () => {
  await install('echo 4.13.2')
  expect(await findFunc()).toEqual({ version: '4.13.2' })
})

test('no func is no func', async () => {
  expect(await findFunc()).toEqual({ reason: '`func` is not on PATH' })
})

test.skipIf(process.platform === 'win32')(
  'a func without its binary, which announces a set-up and fails, is not there',
  async () => {
    await install('echo "binary not found. Running first-time setup..." >&2; exit 1')
    expect(await findFunc()).toEqual({ reason: '`func --version` failed' })
  },
)

test.skipIf(process.platform === 'win32')(
  'a func that does not answer is not waited for longer than five seconds',
  async () => {
    await install('exec /bin/sleep 60')
    const asked = performance.now()
    expect(await findFunc()).toEqual({ reason: '`func --version` did not answer within 5 s' })
    expect(performance.now() - asked).toBeLessThan(7000)
  },
)
