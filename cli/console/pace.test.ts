import { expect, test } from 'vitest'
import { createPace } from './pace.ts'

const signal = new AbortController().signal
/** How long a wait takes, in ms. */
async function took(wait: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await wait()
  return performance.now() - began
}

test('the first request after each step waits, and the others that come meanwhile wait with it', async () => {
  const pace = createPace(60, signal)
  expect(await took(pace.wait)).toBeLessThan(50)
  pace.step('thief')
  expect(await took(() => Promise.all([pace.wait(), pace.wait()]).then(() => {}))).toBeGreaterThanOrEqual(55)
  expect(await took(pace.wait)).toBeLessThan(50)
})

test('nothing waits from the crossing on, because the times of the story count from there', async () => {
  const pace = createPace(60, signal)
  pace.step('crossing')
  pace.step('thief')
  expect(await took(pace.wait)).toBeLessThan(50)
})

test('a stop ends the wait', async () => {
  const stop = new AbortController()
  const pace = createPace(60_000, stop.signal)
  pace.step('thief')
  const waiting = pace.wait()
  stop.abort()
  await expect(waiting).rejects.toThrow()
})
