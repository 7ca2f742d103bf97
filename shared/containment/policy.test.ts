import { describe, expect, it } from 'vitest'
import { blockable, policyFor } from './policy.ts'

const mayBlock = blockable(['198.51.100.7/32', '2001:DB8:0:7:0::9/128', '2001:db8:1::/48'])

it.each([
  ['198.51.100.7', false],
  ['198.51.100.8', true],
  ['2001:db8:1:2::3', false],
  ['2001:db8:2::3', true],
  ['10.0.0.1', false],
  ['::1', false],
])('%s may be blocked: %s', (ip, may) => {
  expect(mayBlock(ip)).toBe(may)
})

it('nobody beside our own address is blocked by a block that would cover it too', () => {
  expect(mayBlock('2001:db8:0:7::9')).toBe(false)
  expect(mayBlock('2001:db8:0:7:ffff::1')).toBe(false)
  expect(mayBlock('2001:db8:0:8::9')).toBe(true)
})

describe('a policy', () => {
  it.each([
    ['account-brute-force', 'none', 'notify', ['@login_hash']],
    ['canary-account', 'ip', 'block_ip', ['@ip']],
    ['containment-tampering', 'none', 'notify', ['@ip']],
    ['credential-stuffing', 'ip', 'block_ip', ['@ip']],
    ['distributed-stuffing', 'none', 'notify', ['@via']],
    ['impossible-travel', 'session', 'revoke', ['@sid']],
    ['mfa-guessing', 'none', 'notify', ['@usr.id']],
    ['otp-replay', 'user', 'revoke_user', ['@usr.id']],
    ['password-spraying', 'ip', 'block_ip', ['@ip']],
    ['revoked-session-use', 'ip', 'block_ip', ['@ip']],
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
