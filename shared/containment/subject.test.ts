import { describe, expect, it } from 'vitest'
import { networkOf, normalizeAddress } from '../client/address.ts'
import { type Facet, readScope, scopeOf } from './subject.ts'

const SID = 'A'.repeat(22)
const HASH = '0f'.repeat(16)
const USER = '0b7c3b0e-52b1-4d7a-8a8f-000000000001'
const read = (scope: string, facet?: Facet) => readScope(scope, facet === undefined ? [] : [facet])

describe('a scope', () => {
  it.each([
    ['@sid', SID, { kind: 'session', sid: SID }],
    ['@network', '203.0.113.9', { kind: 'network', network: '203.0.113.9' }],
    ['@network', '2001:db8:1:2::/64', { kind: 'network', network: '2001:db8:1:2::/64' }],
    ['@network', '2001:db8:0:0::/64', { kind: 'network', network: '2001:db8:0:0::/64' }],
    ['@network', '0:0:0:0::/64', { kind: 'network', network: '0:0:0:0::/64' }],
    ['@usr.id', USER, { kind: 'user', userId: USER }],
    ['@login_hash', HASH, { kind: 'login', loginHash: HASH }],
    ['@via', 'api', { kind: 'host', via: 'api' }],
    ['@detection', 'session-reuse', { kind: 'detection', detection: 'session-reuse' }],
  ] as const)('of %s:%s names its subject, and is read back from its one spelling', (facet, value, subject) => {
    expect(read(`${facet}:${value}`, facet)).toEqual(subject)
    expect(read(` ${facet}:${value} `, facet)).toEqual(subject)
    expect(read(scopeOf(subject), facet)).toEqual(subject)
  })

  it.each(['203.0.113.9', '2001:db8::1', '2001:db8:1:2:3:4:5:6', '::', '1::', 'abcd:0:0:1::', '::ffff:203.0.113.9'])(
    'of the network of %s is read as the app writes it',
    (address) => {
      const network = networkOf(normalizeAddress(address) ?? '')
      expect(read(`@network:${network}`, '@network')).toEqual({ kind: 'network', network })
    },
  )

  it.each(['', ' ', '*', 'total'])('of a monitor without groups is %j', (scope) => {
    expect(read(scope)).toEqual({ kind: 'service' })
    expect(read(scopeOf({ kind: 'service' }))).toEqual({ kind: 'service' })
  })

  it.each(['@via:web', '@network:203.0.113.9', 'everything', '*,*', 'total:1'])(
    'of a monitor without groups is not %j',
    (scope) => {
      expect(read(scope)).toBeUndefined()
    },
  )

  it.each([
    ['@via', '@via:mail'],
    ['@via', '@via:web,@via:api'],
    ['@via', '@via:web,'],
    ['@via', '@network:203.0.113.9'],
    ['@via', 'via:web'],
    ['@detection', '@detection:Session Reuse'],
    ['@detection', '@detection:session-reuse,@detection:session-fork'],
    ['@detection', '@detection:*'],
    ['@via', ''],
    ['@via', '*'],
    ['@via', 'total'],
    ['@login_hash', `@login_hash:${HASH.toUpperCase()}`],
    ['@login_hash', `@login_hash:${HASH}0`],
    ['@login_hash', '@login_hash:a@example.com'],
    ['@usr.id', '@usr.id:1'],
    ['@usr.id', `@usr.id:${USER} or 1`],
    ['@network', '@ip:203.0.113.9'],
    ['@network', '@network:203.0.113.9/24'],
    ['@network', '@network:203.0.113.9/32'],
    ['@network', '@network:203.0.113.9/64'],
    ['@network', '@network:203.0.113'],
    ['@network', '@network:203.0.113.09'],
    ['@network', '@network:2001:db8:1:2::'],
    ['@network', '@network:2001:db8:1:2::7'],
    ['@network', '@network:2001:db8:1:2::7/64'],
    ['@network', '@network:2001:db8:1:2:0:0:0:0/64'],
    ['@network', '@network:2001:db8::/64'],
    ['@network', '@network:2001:db8:1:2::/48'],
    ['@network', '@network:2001:db8:1:2::/64/64'],
    ['@network', '@network:2001:db8:1:2::/064'],
    ['@network', '@network:2001:db8:01:2::/64'],
    ['@network', '@network:2001:DB8:1:2::/64'],
    ['@network', '@network:::/0'],
    ['@network', '@network:0:0:0:0::/0'],
    ['@network', '@network:::ffff:203.0.113.9'],
    ['@network', '@network:fe80:0:0:0::%eth0/64'],
    ['@network', '@network:2001:db8:1:2::/64,@network:2001:db8:1:3::/64'],
    ['@network', '@network:*'],
    ['@sid', `@sid:${SID}A`],
  ] as const)('that has to name one %s is refused as %j', (facet, scope) => {
    expect(read(scope, facet)).toBeUndefined()
  })
})
