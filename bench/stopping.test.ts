import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PROJECT = fileURLToPath(new URL('..', import.meta.url))
/** Far below the duration of the first measurement. */
const AT_ONCE_MS = 3_000

test.skipIf(process.platform === 'win32')('a signal ends the benchmarks at once and leaves no files', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ato stop '))
  try {
    const env = { ...process.env, TMPDIR: dir }
    const child = spawn(process.execPath, ['cli/run.mjs', 'bench/main.ts', '--quick'], { cwd: PROJECT, env })
    await once(child.stderr, 'data')
    const holds = async () => (await readdir(dir)).some((name) => name.startsWith('ato-bench-'))
    await expect.poll(holds, { timeout: 10_000, interval: 20 }).toBe(true)
    const at = performance.now()
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
    expect(performance.now() - at).toBeLessThan(AT_ONCE_MS)
    expect((await readdir(dir)).filter((name) => name.startsWith('ato-bench-'))).toEqual([])
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
