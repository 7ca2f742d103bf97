import { access, chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findFunc } from './func.ts'

const path = process.env.PATH
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato func '))
  process.env.PATH = [at('first'), at('absent'), at('second')].join(delimiter)
})
afterEach(async () => {
  process.env.PATH = path
  await rm(dir, { recursive: true, force: true })
})

const at = (...parts: string[]) => join(dir, ...parts)

async function executable(file: string, script: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
}
const install = (folder: string, script: string) => executable(at(folder, 'func'), script)

/** As npm links the optional package; its launcher notes that it was run, as it would begin its download. */
async function npmLauncher(folder: string): Promise<void> {
  const launcher = at('azure-functions-core-tools', 'lib', 'main.js')
  await executable(launcher, `echo run > '${at('was-run')}'; echo 4.13.2`)
  await mkdir(at(folder), { recursive: true })
  await symlink(launcher, at(folder, 'func'))
}

test('without a func on PATH none is found', async () => {
  expect(await findFunc()).toEqual({ kind: 'none', reasons: [] })
})

describe.skipIf(process.platform === 'win32')('a func on PATH', () => {
  test('that prints its version is found, by its absolute path', async () => {
    await install('second', 'echo 4.13.2')
    expect(await findFunc()).toEqual({ kind: 'found', command: at('second', 'func'), version: '4.13.2' })
  })

  test("is found after npm's launcher without a program, which is not run because it would download", async () => {
    await npmLauncher('first')
    await install('second', 'echo 4.0.6543')
    expect(await findFunc()).toEqual({ kind: 'found', command: at('second', 'func'), version: '4.0.6543' })
    await expect(access(at('was-run'))).rejects.toThrow('ENOENT')
  })

  test("may be npm's launcher with its program", async () => {
    await npmLauncher('first')
    await executable(at('azure-functions-core-tools', 'bin', 'func'), 'echo 4.13.2')
    expect(await findFunc()).toMatchObject({ kind: 'found', command: at('first', 'func') })
  })

  test('is found after one that fails and one that prints no version', async () => {
    await install('first', 'echo "a functional shell"')
    await install('second', 'echo 4.13.2')
    expect(await findFunc()).toMatchObject({ kind: 'found', command: at('second', 'func') })
    await install('first', 'exit 1')
    expect(await findFunc()).toMatchObject({ kind: 'found', command: at('second', 'func') })
  })

  test('that is not executable is skipped', async () => {
    await mkdir(at('first', 'func'), { recursive: true })
    await install('second', 'echo 4.13.2')
    expect(await findFunc()).toMatchObject({ kind: 'found', command: at('second', 'func') })
  })

  test('that cannot be used is reported with its reason', async () => {
    await npmLauncher('first')
    await install('second', 'echo "binary not found. Running first-time setup..." >&2; exit 1')
    expect(await findFunc()).toEqual({
      kind: 'none',
      reasons: [
        `${at('first', 'func')} is npm's launcher without its downloaded program`,
        `${at('second', 'func')} failed at --version`,
      ],
    })
  })

  test('that does not answer within five seconds is skipped', async () => {
    await install('first', 'exec /bin/sleep 60')
    const asked = performance.now()
    expect(await findFunc()).toEqual({
      kind: 'none',
      reasons: [`${at('first', 'func')} did not answer --version within 5 s`],
    })
    expect(performance.now() - asked).toBeLessThan(7000)
  })
})
