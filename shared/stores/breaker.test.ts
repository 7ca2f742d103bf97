import { beforeEach, expect, test } from 'vitest'
import { Breaker } from './breaker.ts'

let now = 0
let breaker: Breaker
beforeEach(() => {
  now = 0
  breaker = new Breaker(() => now)
})
/** The number of calls without an answer that open the breaker. */
const silence = (times: number) => {
  for (let n = 0; n < times; n++) breaker.silent(breaker.admit() ?? 'call')
}

test('four silences in a row let the next call through, and five do not', () => {
  silence(4)
  expect(breaker.admit()).toBe('call')
  silence(1)
  expect(breaker.admit()).toBeUndefined()
})

test('an answer in between restarts the count, so that a store with one slow kind of call is used as before', () => {
  for (let round = 0; round < 10; round++) {
    silence(4)
    breaker.answered()
  }
  expect(breaker.admit()).toBe('call')
})

test('after a pause one call passes as a probe, and no second one', () => {
  silence(5)
  now = 699
  expect(breaker.admit()).toBeUndefined()
  now = 700
  expect([breaker.admit(), breaker.admit()]).toEqual(['probe', undefined])
  breaker.answered()
  expect([breaker.admit(), breaker.admit()]).toEqual(['call', 'call'])
})

test('a probe without an answer, or without a verdict, keeps it open for another moment', () => {
  silence(5)
  for (const end of ['silent', 'undecided'] as const) {
    now += 700
    expect(breaker.admit()).toBe('probe')
    breaker[end]('probe')
    expect(breaker.admit()).toBeUndefined()
  }
})

test('calls that were under way when it opened do not keep it open', () => {
  silence(5)
  now = 600
  for (let n = 0; n < 50; n++) breaker.silent('call')
  now = 700
  expect(breaker.admit()).toBe('probe')
})

test('calls without a verdict never open it', () => {
  for (let n = 0; n < 50; n++) breaker.undecided('call')
  expect(breaker.admit()).toBe('call')
})
