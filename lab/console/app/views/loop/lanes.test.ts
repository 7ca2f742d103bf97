import { expect, test } from 'vitest'
import { stolenSession, stuffing } from '../../../testing/sample.ts'
import { instantsOf, lanesOf, originOf, progressOf } from './lanes.ts'

const T = Date.parse('2026-03-01T12:00:00Z')

test('offsets count from the event that crossed, and not from the first that counted', () => {
  expect(originOf(stolenSession(T))).toBe(T)
})

test('each row tells how long after the row before it began', () => {
  const lanes = lanesOf(stolenSession(T))
  expect(lanes.map(({ name, sinceMs }) => [name, sinceMs])).toEqual([
    ['counted', undefined],
    ['value', 4],
    ['transition', 1],
    ['delivery', 1],
    ['containment', 15],
    ['call', 17],
    ['refused', 86],
  ])
})

test('a row without a step is empty and is left out of the times between', () => {
  const trace = stolenSession(T)
  const lanes = lanesOf({ ...trace, steps: trace.steps.filter(({ name }) => name !== 'call') })
  expect(lanes.find(({ name }) => name === 'call')).toMatchObject({ steps: [], at: undefined })
  expect(lanes.at(-1)?.sinceMs).toBe(103)
})

test('the axis holds the ends of steps that take time', () => {
  expect(instantsOf(stolenSession(T))).toContain(T + 6 + 71)
})

test.each([
  ['done', 'Contained'],
  ['notified', 'A person was notified'],
  ['waiting', 'Waiting for a decision'],
  ['observed', 'Only observed'],
  ['failed', 'Containment failed'],
  ['undone', 'Containment undone'],
  [undefined, 'Not contained'],
] as const)('a containment with the effect %s is "%s"', (effect, text) => {
  const trace = stuffing(T)
  const steps = trace.steps.map(({ effect: _, ...step }) =>
    step.name === 'containment' && effect !== undefined ? { ...step, effect } : step,
  )
  expect(progressOf({ ...trace, steps }).text).toBe(text)
})

test('of two rows of one alert, the one that acted tells what became of it', () => {
  const trace = stuffing(T)
  const closed = { name: 'containment', at: T + 41_020, title: 'closed', raw: [], files: [], effect: 'none' } as const
  expect(progressOf({ ...trace, steps: [...trace.steps, closed] }).text).toBe('Contained')
})
