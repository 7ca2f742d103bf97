import { expect, test } from 'vitest'
import { createAxis } from './axis.ts'

const T = Date.parse('2026-03-01T12:00:00Z')

test('gaps below a second are drawn to scale', () => {
  const axis = createAxis([T, T + 20, T + 60, T + 100], T)
  expect([T, T + 20, T + 60, T + 100].map(axis.position)).toEqual([0, 0.2, 0.6, 1])
  expect(axis.breaks).toEqual([])
  expect(axis.ticks.map(({ ms }) => ms)).toEqual([0, 50, 100])
})

test('an hour before the crossing is left out, and the axis says how much', () => {
  const axis = createAxis([T - 3_600_000, T, T + 40, T + 120], T)
  expect(axis.breaks.map(({ ms }) => ms)).toEqual([3_600_000])
  expect(axis.position(T - 3_600_000)).toBe(0)
  expect(axis.position(T)).toBeCloseTo(0.08)
  expect(axis.position(T + 120)).toBeCloseTo(1)
  expect(axis.ticks.every(({ ms }) => ms <= 120)).toBe(true)
})

test('a wait of a minute among hundredths of a second is left out as well', () => {
  const axis = createAxis([T - 2, T, T + 48_000, T + 48_030, T + 48_090], T)
  expect(axis.breaks.map(({ ms }) => ms)).toEqual([48_000])
  expect(axis.position(T + 48_030) - axis.position(T + 48_000)).toBeGreaterThan(0.2)
})

test('gaps that follow each other are left out as one', () => {
  const axis = createAxis([T - 9000, T - 6000, T - 3000, T, T + 40, T + 120], T)
  expect(axis.breaks.map(({ ms }) => ms)).toEqual([9000])
  expect(axis.position(T - 6000)).toBeCloseTo(0.11 / 3)
  expect(axis.position(T)).toBeCloseTo(0.11)
})

test('the wait after the crossing is a break of its own', () => {
  const axis = createAxis([T - 9000, T - 1000, T, T + 41_000, T + 41_003, T + 41_090], T)
  expect(axis.breaks.map(({ ms }) => ms)).toEqual([9000, 41_000])
  expect(axis.position(T - 1000)).toBeCloseTo(0.095 / 2)
  expect(axis.position(T)).toBeCloseTo(0.095)
  expect(axis.position(T + 41_000)).toBeCloseTo(0.175)
})

test('seconds among seconds are drawn to scale', () => {
  const axis = createAxis([T, T + 2000, T + 4000, T + 6000], T)
  expect(axis.breaks).toEqual([])
  expect(axis.position(T + 2000)).toBeCloseTo(1 / 3)
})

test('ten events in three seconds leave room for the half second that follows', () => {
  const before = Array.from({ length: 10 }, (_, index) => T - 3000 + index * 300)
  const axis = createAxis([...before, T, T + 30, T + 500], T)
  expect(axis.breaks.map(({ ms }) => ms)).toEqual([3000])
  expect(axis.position(T)).toBeLessThan(0.25)
})

test('where every gap is left out, the instants stand at equal distances', () => {
  const axis = createAxis([T - 20_010, T - 20_000, T, T + 5000], T)
  expect([T - 20_010, T + 5000].map(axis.position)).toEqual([0, 1])
  expect(axis.position(T)).toBeCloseTo(0.095 / 0.175)
})

test('one instant alone stands at the start', () => {
  const axis = createAxis([T], T)
  expect(axis.position(T)).toBe(0)
  expect(axis.ticks).toEqual([{ at: 0, ms: 0 }])
})

test('positions keep the order of time', () => {
  const instants = [0, 5, 9, 4000, 4003, 90_000, 90_001, 7_200_000].map((ms) => T + ms)
  const axis = createAxis(instants, T)
  const positions = instants.map(axis.position)
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  expect(positions.at(-1)).toBeCloseTo(1)
})
