import { describe, expect, test } from 'vitest'
import type { ContainmentView } from '../../../api.ts'
import { deed, FILTERS, meaning, toneOf } from './words.ts'

const row = (change: Partial<ContainmentView> = {}): ContainmentView => ({
  id: '1',
  detection: 'session-reuse',
  by: 'monitor',
  action: 'revoke',
  subject: '@sid:x',
  state: 'done',
  result: 'success',
  reason: null,
  mode: 'enforce',
  alert_at: 0,
  changed_at: 1,
  latency_ms: 1,
  can: ['undo'],
  ...change,
})

describe('the words for a containment', () => {
  test.each([
    [{}, 'ended the session'],
    [{ state: 'undone' }, 'ended the session'],
    [{ mode: 'observe' }, 'would have ended the session'],
    [{ state: 'held', reason: 'cap' }, 'waits to end the session'],
    [{ state: 'pending' }, 'is to end the session'],
    [{ state: 'closed', reason: 'expired', action: 'block_ip' }, 'blocked the network'],
    [{ state: 'closed', reason: 'duplicate', result: null }, 'left to another row'],
    [{ state: 'closed', reason: 'recovered', result: null }, 'did not have to end the session'],
    [{ state: 'failed', action: 'block_ip' }, 'could not block the network'],
    [{ action: 'notify' }, 'told a person about'],
    [{ action: 'later_invention' }, 'did later_invention on'],
  ] as const)('of %j say what became of it', (change, words) => {
    expect(deed(row(change))).toBe(words)
  })

  test('explain why one was held, and that an observed one did nothing', () => {
    expect(meaning(row({ state: 'held', reason: 'cap' }))).toContain('waits for a person. More subjects than the cap')
    expect(meaning(row({ mode: 'observe' }))).toContain('nothing was done')
    expect(meaning(row({ result: 'noop' }))).toContain('contained already')
    expect([toneOf(row({ state: 'held' })), toneOf(row({ action: 'notify' }))]).toEqual(['warning', 'info'])
  })

  test('count as undecided what a person can still carry out, and as observed what ends nothing', () => {
    const rows = [
      row({ state: 'held' }),
      row({ state: 'failed', can: [] }),
      row({ state: 'failed', can: ['retry'] }),
      row({ action: 'notify' }),
    ]
    expect(FILTERS.map(({ takes }) => rows.filter(takes).length)).toEqual([4, 2, 1])
  })
})
