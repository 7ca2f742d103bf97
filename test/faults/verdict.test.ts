import { expect, test } from 'vitest'
import type { ContainEvent } from './record.ts'
import { faultsOf, HEAL_MS, tally, type VictimOutcome } from './verdict.ts'

const END = 1_000_000
const event = (outcome: ContainEvent['outcome']): ContainEvent => ({ evt: 'contain', outcome })
const contained: VictimOutcome = { due: 'out', outAt: END + 500, finally: 'out', events: [event('success')] }
const held: VictimOutcome = { due: 'held', outAt: undefined, finally: 'in', events: [event('refused')] }
const alive = { finally: 'in' } as const
const judge = (victims: VictimOutcome[], bystanders = [alive] as { finally: VictimOutcome['finally'] }[]) =>
  tally(victims, bystanders, END)

test('victims that are out, held ones that wait, and bystanders that are in are as it should be', () => {
  const row = judge([contained, held])
  expect(row).toEqual({ victims: 2, lost: 0, doubled: 0, unreported: 0, wronglyDead: 0, wronglyAlive: 0, healMs: 500 })
  expect(faultsOf(row)).toEqual([])
})

test('a session that stays alive counts as lost, and the fault as not healed', () => {
  const row = judge([contained, { ...contained, outAt: undefined, finally: 'in', events: [] }])
  expect(row).toMatchObject({ lost: 1, unreported: 1, healMs: null })
  expect(faultsOf(row)).toEqual(['1 lost', '1 unreported'])
})

test.each([
  ['two successes', ['success', 'success']],
  ['a success and a noop', ['success', 'noop']],
] as const)('%s are a doubled containment', (_, outcomes) => {
  expect(judge([{ ...contained, events: outcomes.map(event) }])).toMatchObject({ doubled: 1 })
})

test('an event that was written twice, with one request id, is one', () => {
  const said = { ...event('success'), request_id: 'r1' }
  expect(judge([{ ...contained, events: [said, said] }])).toMatchObject({ doubled: 0 })
  expect(judge([{ ...contained, events: [said, { ...said, request_id: 'r2' }] }])).toMatchObject({ doubled: 1 })
})

test('one noop suffices: the session was already ended', () => {
  expect(faultsOf(judge([{ ...contained, events: [event('noop')] }]))).toEqual([])
})

test('a containment without an event is unreported, even if it was paged', () => {
  expect(
    judge([
      { ...contained, events: [] },
      { ...contained, events: [event('refused')] },
    ]),
  ).toMatchObject({ unreported: 2 })
})

test('a bystander that is refused, or that no host can judge, is wrongly dead', () => {
  expect(judge([contained], [{ finally: 'out' }, { finally: 'unknown' }, alive])).toMatchObject({ wronglyDead: 2 })
})

test('a held victim that is out is wrongly dead: the cap was passed', () => {
  expect(judge([{ ...held, finally: 'out' }])).toMatchObject({ wronglyDead: 1 })
})

test('a victim that is in again is wrongly alive', () => {
  expect(judge([{ ...contained, finally: 'in' }])).toMatchObject({ lost: 0, wronglyAlive: 1 })
})

test('a victim that was out before the end healed at once', () => {
  expect(judge([{ ...contained, outAt: END - 5000 }])).toMatchObject({ healMs: 0 })
})

test('ninety seconds are accepted, a millisecond more is not', () => {
  expect(faultsOf(judge([{ ...contained, outAt: END + HEAL_MS }]))).toEqual([])
  expect(faultsOf(judge([{ ...contained, outAt: END + HEAL_MS + 1 }]))).toEqual(['healed only after 90 s'])
})
