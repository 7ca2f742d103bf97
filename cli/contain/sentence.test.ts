import { expect, test } from 'vitest'
import { heldRow } from '../../ops/contain/testing/held-row.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { sentenceOf } from './sentence.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const SID = 'A'.repeat(22)
const SESSION = { detection: 'session-reuse', scope: `@sid:${SID}`, action: 'revoke', userId: undefined } as const
const NETWORK = { detection: 'credential-stuffing', scope: '@network:203.0.113.7', action: 'block_ip' } as const

const told = (change: Partial<Containment>): string =>
  sentenceOf({ ...heldRow(SESSION), reason: undefined, ...change }, NOW)

test.each<[string, Partial<Containment>, string]>([
  [
    'a held row of an address that is never blocked',
    { ...NETWORK, reason: 'policy' },
    'such a network is never blocked',
  ],
  ['a revoked session', { state: 'done', result: 'success', via: 'web' }, `session ${SID} is revoked, by web.`],
  ['a session that was over', { state: 'done', result: 'noop', via: 'direct' }, 'nothing was left to revoke'],
  ['a block', { ...NETWORK, state: 'done', result: 'success', expiresAt: new Date(NOW + 840_000) }, 'for 14 min'],
  ['an undone revoke', { state: 'undone', result: 'success' }, 'stays revoked, because its two holders'],
  [
    'an undone block',
    { ...NETWORK, state: 'undone', result: 'success' },
    'The block of network 203.0.113.7 is lifted.',
  ],
  ['an observed row', { state: 'closed', result: 'observed' }, 'its detection only observes (CONTAIN_MODE)'],
  ['an undone row that was only observed', { state: 'undone', result: 'observed' }, 'Nothing had been carried out'],
  ['an undone row that was never carried out', { state: 'undone' }, 'Nothing had been carried out'],
  ['a row that a fault interrupted', { state: 'pending' }, 'The sweeper carries it out'],
  ['a subject that is gone', { state: 'failed', reason: 'subject_gone' }, 'cannot be carried out: its subject'],
  [
    'a block that would be over',
    { ...NETWORK, state: 'closed', reason: 'expired' },
    'Nothing was done: the block would',
  ],
])('%s is explained', (_, change, words) => {
  expect(told(change)).toContain(words)
})
