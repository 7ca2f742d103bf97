import { expect, test } from 'vitest'
import { createRecord } from './record.ts'

test('contain events are found by session, network or user; other lines only counted', () => {
  const record = createRecord()
  const lines = [
    { evt: 'contain', outcome: 'success', action: 'revoke', sid: 's1', usr: { id: 'u1' } },
    { evt: 'contain', outcome: 'success', action: 'block_ip', blocked_network: '203.0.113.9' },
    { evt: 'contain', outcome: 'noop', action: 'revoke_user', usr: { id: 'u2' } },
    { evt: 'webhook', outcome: 'accepted' },
  ]
  for (const line of [...lines.map((line) => JSON.stringify(line)), 'no JSON', '{"cut":']) record.take(line)
  expect(record.about('s1').map(({ outcome }) => outcome)).toEqual(['success'])
  expect(record.about('203.0.113.9')).toHaveLength(1)
  expect(record.about('u2').map(({ outcome }) => outcome)).toEqual(['noop'])
  expect(record.about('u1')).toEqual([])
  expect([record.count('contain'), record.count('webhook'), record.count('login')]).toEqual([3, 1, 0])
})
