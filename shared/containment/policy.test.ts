import { expect, it } from 'vitest'
import { blockable } from './policy.ts'

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
