import { describe, expect, test } from 'vitest'
import { askedIn, isOpenEnded, NOTHING_ASKED, queryOf, searchOf } from './ranges.ts'

const NOW = Date.UTC(2026, 0, 5, 10)
const ask = { ...NOTHING_ASKED, query: '@evt:login' }

describe('a search of the events', () => {
  test('asks for the last minutes, or for all', () => {
    expect(String(searchOf(ask, 100, NOW))).toBe(`query=%40evt%3Alogin&from=${NOW - 900_000}&limit=100`)
    expect(String(searchOf({ ...ask, range: 'all', by: '@ip' }, 5, NOW))).toBe('query=%40evt%3Alogin&by=%40ip&limit=5')
  })

  test('asks from and to what was chosen, where both are optional', () => {
    const custom = { ...ask, range: 'custom', from: '2026-01-05T09:00' }
    const from = new Date(2026, 0, 5, 9).getTime()
    expect(String(searchOf(custom, 1, NOW))).toBe(`query=%40evt%3Alogin&from=${from}&limit=1`)
    expect([isOpenEnded(custom), isOpenEnded({ ...custom, to: '2026-01-05T10:00' })]).toEqual([true, false])
  })

  test('stands in the address of the page, without what is the default', () => {
    const asked = { ...ask, range: '1h', columns: '@ip', from: '2026-01-05T09:00' }
    expect(queryOf(asked)).toEqual({ query: '@evt:login', range: '1h', columns: '@ip' })
    expect(askedIn(queryOf(asked))).toEqual({ ...asked, from: '' })
    expect(queryOf(NOTHING_ASKED)).toEqual({})
    expect(askedIn({ range: 'for ever' })).toEqual(NOTHING_ASKED)
  })
})
