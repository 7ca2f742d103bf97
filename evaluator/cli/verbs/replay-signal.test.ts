import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
/** More than all that waits for the threads takes, so that the last part is only read while they work. */
const LOG_BYTES = 16 * 1024 * 1024

const MONITOR = {
  ...{ name: 'failed logins', type: 'log alert', message: '' },
  query: 'logs("@evt:login").index("*").rollup("count").by("@ip").last("5m") > 3',
  options: { thresholds: { critical: 3 } },
}

test.skipIf(process.platform === 'win32')(
  'Ctrl-C ends a replay at once, with all of its threads and without a message',
  { timeout: 120_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'signal '))
    onTestFinished(() => rm(dir, { recursive: true }))
    const monitor = join(dir, 'monitor.json')
    await writeFile(monitor, JSON.stringify(MONITOR))
    const argv = ['replay', '-', '--detections', monitor, '--threads', '3']
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...argv])
    const ended = once(child, 'close')
    const printed = Promise.all([text(child.stdout), text(child.stderr)])
    // What the pipe still holds is lost with the reader.
    child.stdin.on('error', () => {})
    const line = `${JSON.stringify({ timestamp: '2026-01-05T09:00:00Z', evt: 'login', ip: '203.0.113.9' })}\n`
    const block = line.repeat(1000)
    for (let bytes = 0; bytes < LOG_BYTES; bytes += block.length) {
      if (!child.stdin.write(block)) await once(child.stdin, 'drain')
    }
    child.kill('SIGINT')
    expect(await ended).toEqual([null, 'SIGINT'])
    expect(await printed).toEqual(['', ''])
  },
)
