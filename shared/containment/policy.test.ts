import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { networkOf, normalizeAddress } from '../client/address.ts'
import { blockable, policyFor } from './policy.ts'

const mayBlock = blockable(['198.51.100.7/32', '2001:DB8:0:7:0::9/128', '2001:db8:1::/48'])

it.each([
  ['198.51.100.7', false],
  ['198.51.100.8', true],
  ['2001:db8:1:2::3', false],
  ['2001:db8:2::3', true],
  ['10.0.0.1', false],
  ['192.168.7.7', false],
  ['192.0.0.1', false],
  ['100.64.0.1', false],
  ['0.0.0.0', false],
  ['255.255.255.255', false],
  ['::1', false],
  ['::', false],
  ['fc00::1', false],
  ['fe80::1', false],
  ['fec0::1', false],
  ['ff02::1', false],
  ['100::1', false],
  ['4000::1', false],
  // Documentation: the lab's clients.
  ['203.0.113.9', true],
  ['192.0.2.1', true],
  ['2001:db8:ffff::1', true],
  ['2606:4700::1111', true],
])('%s may be blocked: %s', (ip, may) => {
  expect(mayBlock(ip)).toBe(may)
})

describe('an IPv6 address that embeds an IPv4 one', () => {
  it.each([
    ['NAT64, a private one', '64:ff9b::a00:1'],
    ['NAT64, a public one: its /64 is everybody behind one gateway', '64:ff9b::808:808'],
    ['NAT64 of a provider', '64:ff9b:1:7::a00:1'],
    ['IPv4-compatible', '::a00:1'],
    ['IPv4-compatible, public', '::808:808'],
    ['IPv4-mapped', '::ffff:a00:1'],
    ['IPv4-mapped, public', '::ffff:808:808'],
    ['IPv4-translated', '::ffff:0:a00:1'],
    ['6to4 of 10.0.0.1', '2002:a00:1::1'],
    ['6to4 of 10.255.255.255, whatever its subnet', '2002:aff:ffff:7:8::9'],
    ['6to4 of 192.168.1.1', '2002:c0a8:101::1'],
    ['6to4 of 172.31.0.1', '2002:ac1f:1::1'],
    ['6to4 of 127.0.0.1', '2002:7f00:1::1'],
    ['6to4 of our own egress', '2002:c633:6407::1'],
    ['Teredo: its /64 is a server with all its clients', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['Teredo in the shortest form', '2001::1'],
  ])('is spared: %s', (_, ip) => {
    expect(mayBlock(ip)).toBe(false)
    expect(mayBlock(networkOf(ip))).toBe(false)
  })

  it.each([
    ['6to4 of a public address, which is one subscriber', '2002:808:808::1'],
    ['6to4 beside 172.16.0.0/12', '2002:ac20:1::1'],
    ['6to4 beside our own egress', '2002:c633:6408::1'],
    ['a provider beside Teredo', '2001:1::1'],
    ['a provider that begins like NAT64', '2064:ff9b::1'],
  ])('may be blocked where a /64 is one subscriber: %s', (_, ip) => {
    expect(mayBlock(ip)).toBe(true)
    expect(mayBlock(networkOf(ip))).toBe(true)
  })

  it('of 6to4 is spared exactly where the IPv4 address is', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(0xffff), (ip, subnet) => {
        const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number)
        const groups = [(a << 8) | b, (c << 8) | d, subnet].map((group) => group.toString(16))
        const embedded = normalizeAddress(`2002:${groups.join(':')}::1`) ?? ''
        expect(mayBlock(embedded)).toBe(mayBlock(ip))
      }),
      { numRuns: 2_000 },
    )
  })
})

it('a block that would cover our own address blocks no one', () => {
  expect(mayBlock('2001:db8:0:7::9')).toBe(false)
  expect(mayBlock('2001:db8:0:7:ffff::1')).toBe(false)
  expect(mayBlock('2001:db8:0:8::9')).toBe(true)
})

describe('a policy', () => {
  it.each([
    ['account-brute-force', 'none', 'notify', ['@login_hash']],
    ['canary-account', 'ip', 'block_ip', ['@network']],
    ['containment-failed', 'none', 'notify', ['@detection']],
    ['containment-tampering', 'none', 'notify', ['@network']],
    ['credential-stuffing', 'ip', 'block_ip', ['@network']],
    ['distributed-stuffing', 'none', 'notify', ['@via']],
    ['impossible-travel', 'session', 'revoke', ['@sid']],
    ['mfa-guessing', 'none', 'notify', ['@usr.id']],
    ['otp-replay', 'user', 'revoke_user', ['@usr.id']],
    ['password-spraying', 'ip', 'block_ip', ['@network']],
    ['reauthentication-guessing', 'session', 'revoke', ['@sid']],
    ['revoked-session-use', 'ip', 'block_ip', ['@network']],
    ['session-fork', 'session', 'revoke', ['@sid']],
    ['session-reuse', 'session', 'revoke', ['@sid']],
    ['takeover-actions', 'session', 'revoke', ['@sid']],
    ['takeover-after-failures', 'session', 'revoke', ['@sid']],
    ['telemetry-silence', 'none', 'notify', []],
  ] as const)('of %s contains by %s: %s of %j', (detection, contain, action, groupBy) => {
    expect(policyFor(detection)).toEqual({ contain, action, groupBy })
  })

  it.each(['', 'nothing', 'constructor', '__proto__'])('is there for no other name: %j', (name) => {
    expect(policyFor(name)).toBeUndefined()
  })
})
