import { describe, expect, it } from 'vitest'
import { Secret } from '../secret.ts'
import { clientAddress, networkOf, normalizeAddress, UNKNOWN_ADDRESS } from './address.ts'
import { describeHeaders, observeClient } from './client.ts'
import { describeDevice, deviceHash, deviceHashFor, loginHash } from './device.ts'

const KEY = new Secret('a-device-key-of-at-least-32-bytes!!!')
const OTHER_KEY = new Secret('another-device-key-of-32-bytes!!!!!!')
const CHROME_138 =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36'
const CHROME_139 = CHROME_138.replace('138', '139')
const EDGE = `${CHROME_138} Edg/138.0.0.0`
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'

describe('the address of a client', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:5678', '203.0.113.9'],
    ['[2001:db8::1]:5678', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['127.0.0.1, evil"}, 203.0.113.9', '203.0.113.9'],
  ])('is the last hop of %s', (forwarded, ip) => {
    expect(clientAddress(forwarded)).toBe(ip)
  })

  it.each([undefined, null, '', 'unknown', '203.0.113.9, evil', 'fe80::1%eth0', '1.2.3.4.5', '[::1'])(
    'is unknown if the hop is not an address: %s',
    (forwarded) => {
      expect(clientAddress(forwarded)).toBe(UNKNOWN_ADDRESS)
    },
  )

  it('has one spelling', () => {
    expect(normalizeAddress('2001:0db8:0000::0001')).toBe(normalizeAddress('2001:db8::1'))
  })

  it('belongs to a subscriber: an IPv4 address alone, an IPv6 address with its /64', () => {
    expect(networkOf('203.0.113.9')).toBe('203.0.113.9')
    expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(networkOf('2001:db8:0:0:ffff::2')).toBe(networkOf('2001:db8::1'))
    expect(networkOf('2001:db8:0:1::1')).not.toBe(networkOf('2001:db8::1'))
    expect(networkOf('::')).toBe('0:0:0:0::/64')
    expect(networkOf('2001:db8:1:2::')).toBe('2001:db8:1:2::/64')
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(networkOf('1:2:3::4')).toBe('1:2:3:0::/64')
    expect(networkOf('not:an:address:at:all')).toBe('not:an:address:at:all')
  })
})

describe('the hash of a device', () => {
  it('is the same for a device that returns after two thousand others', () => {
    const first = deviceHash(EDGE, {}, KEY)
    for (let n = 0; n < 2_000; n++) deviceHash(`${EDGE} ${n}`, { platform: `"${n}"` }, KEY)
    expect(deviceHash(EDGE, {}, KEY)).toBe(first)
  })

  it('depends on where one header ends and the next begins', () => {
    const hashes = [
      deviceHash(EDGE, { platform: 'ab', mobile: 'c' }, KEY),
      deviceHash(EDGE, { platform: 'a', mobile: 'bc' }, KEY),
      deviceHash(`${EDGE}a`, { platform: 'b', mobile: 'c' }, KEY),
    ]
    expect(new Set(hashes).size).toBe(3)
  })

  it('stays through a browser update, and through a run id', () => {
    expect(deviceHash(CHROME_139, {}, KEY)).toBe(deviceHash(CHROME_138, {}, KEY))
    expect(deviceHash(`${CHROME_138} ato-lab/run-7`, {}, KEY)).toBe(deviceHash(CHROME_138, {}, KEY))
  })

  it('differs between browsers, systems, client hints and keys', () => {
    const hints = { platform: '"Windows"', mobile: '?0' }
    const hashes = [
      deviceHash(CHROME_138, {}, KEY),
      deviceHash(EDGE, {}, KEY),
      deviceHash(FIREFOX, {}, KEY),
      deviceHash(SAFARI, {}, KEY),
      deviceHash(CHROME_138, hints, KEY),
      deviceHash(CHROME_138, { ...hints, mobile: '?1' }, KEY),
      deviceHash(CHROME_138, {}, OTHER_KEY),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it('is found again under the key that a session was bound with', () => {
    const bound = deviceHash(FIREFOX, {}, OTHER_KEY)
    expect(deviceHashFor(FIREFOX, {}, [KEY, OTHER_KEY], bound)).toBe(bound)
    expect(deviceHashFor(CHROME_138, {}, [KEY, OTHER_KEY], bound)).toBe(deviceHash(CHROME_138, {}, KEY))
  })

  it('has a name that a person would use', () => {
    const unheardOf = 'Mozilla/5.0 (X11; Linux x86_64) Ladybird/1.0'
    expect([CHROME_138, EDGE, FIREFOX, SAFARI, unheardOf, 'curl/8.0', ''].map(describeDevice)).toEqual([
      'Chrome on Windows',
      'Edge on Windows',
      'Firefox on Linux',
      'Safari on iOS',
      'another browser on Linux',
      'curl',
      'an unknown device',
    ])
  })

  it('is another kind of hash than that of a login, for the same text', () => {
    expect(loginHash('a@example.com', KEY)).toBe(loginHash(' A@Example.com ', KEY))
    expect(loginHash('a@example.com', KEY)).not.toBe(loginHash('b@example.com', KEY))
  })
})

describe('a run id', () => {
  const seen = { ip: '203.0.113.9', hints: {}, via: 'web' as const }
  it('is read in the lab only, and only at the end of a browser-like user agent', () => {
    const userAgent = `${FIREFOX} ato-lab/run-7`
    expect(observeClient({ ...seen, userAgent }, { deviceKeys: [KEY], lab: true }).runId).toBe('run-7')
    expect(observeClient({ ...seen, userAgent }, { deviceKeys: [KEY], lab: false }).runId).toBeUndefined()
    for (const other of [`${userAgent} x`, `${FIREFOX} ato-lab/RUN`, 'ato-lab/run-7']) {
      expect(observeClient({ ...seen, userAgent: other }, { deviceKeys: [KEY], lab: true }).runId).toBeUndefined()
    }
  })
})

it('cuts headers that are longer than a browser sends', () => {
  const { userAgent, hints } = describeHeaders(() => 'x'.repeat(10_000))
  expect([userAgent.length, hints.platform?.length, hints.mobile?.length]).toEqual([1024, 64, 8])
})
