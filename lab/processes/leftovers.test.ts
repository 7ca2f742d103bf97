import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { identityOf } from './identity.ts'
import { endLeftover } from './leftovers.ts'

const opened: ChildProcess[] = []
afterEach(() => {
  for (const child of opened.splice(0)) child.kill('SIGKILL')
})

/** A process that reports when it runs and handles SIGTERM as given. */
async function run(onTerm = ''): Promise<{ pid: number; born: string; ended: Promise<unknown[]> }> {
  const child = spawn(process.execPath, ['-e', `${onTerm}; setInterval(() => {}, 1000); console.log('up')`])
  opened.push(child)
  await once(child.stdout, 'data')
  const pid = child.pid ?? 0
  return { pid, born: (await identityOf(pid)) ?? '', ended: once(child, 'exit') }
}

test.skipIf(process.platform === 'win32')('a process of an earlier lab is ended', async () => {
  const { pid, born, ended } = await run()
  expect(await endLeftover(pid, born, [{ signal: 'SIGTERM', patienceMs: 5000 }])).toBe(true)
  expect(await ended).toEqual([null, 'SIGTERM'])
})

test.skipIf(process.platform === 'win32')('a process that ignores SIGTERM is ended too', async () => {
  const { pid, born, ended } = await run("process.on('SIGTERM', () => {})")
  const steps = [
    { signal: 'SIGTERM', patienceMs: 200 },
    { signal: 'SIGKILL', patienceMs: 5000 },
  ] as const
  expect(await endLeftover(pid, born, steps)).toBe(true)
  expect(await ended).toEqual([null, 'SIGKILL'])
})

test('a later process with the same id is not touched', async () => {
  const { pid } = await run()
  expect(await endLeftover(pid, 'another time', [{ signal: 'SIGKILL', patienceMs: 1000 }])).toBe(false)
  expect(await identityOf(pid)).toBeDefined()
})

test('a process that ends by itself gets the time to do so', async () => {
  const { pid, born, ended } = await run('setTimeout(() => process.exit(7), 300)')
  expect(await endLeftover(pid, born)).toBe(true)
  expect(await ended).toEqual([7, null])
})
