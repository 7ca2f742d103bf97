import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { identityOf } from './identity.ts'
import { endLeftover } from './leftovers.ts'

const opened: ChildProcess[] = []
afterEach(() => {
  for (const child of opened.splice(0)) child.kill('SIGKILL')
})

/** A process that says when it runs, and does with SIGTERM what it is told. */
async function run(onTerm = ''): Promise<{ pid: number; born: string; ended: Promise<unknown[]> }> {
  const child = spawn(process.execPath, ['-e', `${onTerm}; setInterval(() => {}, 1000); console.log('up')`])
  opened.push(child)
  await once(child.stdout, 'data')
  const pid = child.pid as number
  return { pid, born: (await identityOf(pid)) as string, ended: once(child, 'exit') }
}

test.skipIf(process.platform === 'win32')('a process of an earlier lab is ended', async () => {
  const { pid, born, ended } = await run()
  expect(await endLeftover(pid, born, [{ signal: 'SIGTERM', patienceMs: 5000 }])).toBe(true)
  expect(await ended).toEqual([null, 'SIGTERM'])
})

test.skipIf(process.platform === 'win32')('one that does not listen is ended all the same', async () => {
  const { pid, born, ended } = await run("process.on('SIGTERM', () => {})")
  const steps = [
    { signal: 'SIGTERM', patienceMs: 200 },
    { signal: 'SIGKILL', patienceMs: 5000 },
  ] as const
  expect(await endLeftover(pid, born, steps)).toBe(true)
  expect(await ended).toEqual([null, 'SIGKILL'])
})

test('a process that merely has the number now is left alone', async () => {
  const { pid } = await run()
  expect(await endLeftover(pid, 'another time', [{ signal: 'SIGKILL', patienceMs: 1000 }])).toBe(false)
  expect(await identityOf(pid)).toBeDefined()
})

test('one that ends by itself is given the time to', async () => {
  const { pid, born, ended } = await run('setTimeout(() => process.exit(7), 300)')
  expect(await endLeftover(pid, born)).toBe(true)
  expect(await ended).toEqual([7, null])
})
