import { expect, it } from 'vitest'
import { createTurns, NoTurn } from './turns.ts'

const LONG_MS = 60_000

it('gives at most as many turns at once, and the next one in the order of the calls', async () => {
  const turns = createTurns(2)
  const begun: string[] = []
  const take = async (name: string) => {
    const end = await turns.take(LONG_MS)
    begun.push(name)
    return end
  }
  const [endA, endB] = await Promise.all([take('a'), take('b')])
  const [c, d] = [take('c'), take('d')]
  expect(begun).toEqual(['a', 'b'])
  endA()
  endA() // a turn ends once
  await c
  expect(begun).toEqual(['a', 'b', 'c'])
  endB()
  await d
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
})

it('gives up a turn that does not come in time, and passes it over afterwards', async () => {
  const turns = createTurns(1)
  const end = await turns.take(LONG_MS)
  await expect(turns.take(1)).rejects.toThrow(NoTurn)
  await expect(turns.take(-1)).rejects.toThrow(NoTurn)
  const next = turns.take(LONG_MS)
  end()
  expect(await next).toBeTypeOf('function')
})
