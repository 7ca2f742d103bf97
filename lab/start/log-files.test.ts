import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLogFiles } from './log-files.ts'

/** The kernel's own full disk: every write to it fails with ENOSPC. */
const FULL = '/dev/full'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato-log-files-'))
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

test.skipIf(!existsSync(FULL))('after a full disk the log continues, and a cut-off line stays separate', async () => {
  const path = join(dir, 'logs', 'events.jsonl')
  await mkdir(join(dir, 'logs'))
  await symlink(FULL, path)
  const logs = await openLogFiles(dir)
  logs.event('web', '{"n":1}')
  await delay(100)
  await rm(path)
  logs.event('web', '{"n":2}')
  logs.event('functions', '{"n":3}')
  await logs.close()
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  expect(lines).toEqual(['{"n":2}', '{"n":3}'])
  expect(await readFile(join(dir, 'logs', 'web.jsonl'), 'utf8')).toBe('{"n":1}\n{"n":2}\n')
})
