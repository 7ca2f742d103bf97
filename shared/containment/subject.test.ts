import { describe, expect, it } from 'vitest'
import { type Facet, readScope, scopeOf } from './subject.ts'

const SID = 'A'.repeat(22)
const HASH = '0f'.repeat(16)
const USER = '0b7c3b0e-52b1-4d7a-8a8f-000000000001'
const read = (scope: string, facet?: Facet) => readScope(scope, facet === undefined ? [] : [facet])

describe('a scope', () => {
  it.each([
    ['@sid', SID, { kind: 'session', sid: SID }],
    ['@ip', '203.0.113.9', { kind: 'ip', ip: '203.0.113.9' }],
    ['@ip', '2001:db8::1', { kind: 'ip', ip: '2001:db8::1' }],
    ['@usr.id', USER, { kind: 'user', userId: USER }],
    ['@login_hash', HASH, { kind: 'login', loginHash: HASH }],
    ['@via', 'api', { kind: 'door', via: 'api' }],
  ] as const)('of %s:%s names its subject, and is read back from its one spelling', (facet, value, subject) => {
    expect(read(`${facet}:${value}`, facet)).toEqual(subject)
    expect(read(` ${facet}:${value} `, facet)).toEqual(subject)
    expect(read(scopeOf(subject), facet)).toEqual(subject)
  })

  it('of an address is written in one spelling, whatever the alert wrote', () => {
    const subject = read('@ip:2001:DB8:0:0::1', '@ip')
    expect(subject && scopeOf(subject)).toBe('@ip:2001:db8::1')
  })

  it.each(['', ' ', '*', 'total'])('of a monitor without groups is %j', (scope) => {
    expect(read(scope)).toEqual({ kind: 'service' })
    expect(read(scopeOf({ kind: 'service' }))).toEqual({ kind: 'service' })
  })

  it.each(['@via:web', '@ip:203.0.113.9', 'everything', '*,*', 'total:1'])(
    'of a monitor without groups is not %j',
    (scope) => {
      expect(read(scope)).toBeUndefined()
    },
  )

  it.each([
    ['@via', '@via:mail'],
    ['@via', '@via:web,@via:api'],
    ['@via', '@via:web,'],
    ['@via', '@ip:203.0.113.9'],
    ['@via', 'via:web'],
    ['@via', ''],
    ['@via', '*'],
    ['@via', 'total'],
    ['@login_hash', `@login_hash:${HASH.toUpperCase()}`],
    ['@login_hash', `@login_hash:${HASH}0`],
    ['@login_hash', '@login_hash:a@example.com'],
    ['@usr.id', '@usr.id:1'],
    ['@usr.id', `@usr.id:${USER} or 1`],
    ['@ip', '@ip:203.0.113.9/24'],
    ['@ip', '@ip:fe80::1%eth0'],
    ['@sid', `@sid:${SID}A`],
  ] as const)('that has to name one %s is refused as %j', (facet, scope) => {
    expect(read(scope, facet)).toBeUndefined()
  })
})
