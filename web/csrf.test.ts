import { expect, test } from 'vitest'
import { isCrossSite } from './csrf.ts'

const deployed = { webOrigin: 'https://app.example.com', lab: false }
const lab = { webOrigin: 'http://localhost:8000', lab: true }

const cases = [
  ['a link from another site', 'GET', { fetchSite: 'cross-site', origin: undefined }, deployed, false],
  ['our own form', 'POST', { fetchSite: 'same-origin', origin: 'https://app.example.com' }, deployed, false],
  [
    'our own form under a proxy that hides the origin',
    'POST',
    { fetchSite: 'same-origin', origin: 'null' },
    deployed,
    false,
  ],
  ['a form of another site', 'POST', { fetchSite: 'cross-site', origin: 'https://evil.example' }, deployed, true],
  [
    'a form of a sibling domain',
    'POST',
    { fetchSite: 'same-site', origin: 'https://blog.example.com' },
    deployed,
    true,
  ],
  ['a POST that no page caused', 'POST', { fetchSite: 'none', origin: undefined }, deployed, true],
  [
    'a foreign page that lies about its origin',
    'POST',
    { fetchSite: 'cross-site', origin: 'https://app.example.com' },
    deployed,
    true,
  ],
  [
    'a value of Sec-Fetch-Site that nobody defined',
    'POST',
    { fetchSite: '', origin: 'https://app.example.com' },
    deployed,
    true,
  ],
  [
    'our own form in an older browser',
    'POST',
    { fetchSite: undefined, origin: 'https://app.example.com' },
    deployed,
    false,
  ],
  [
    'another site in an older browser',
    'POST',
    { fetchSite: undefined, origin: 'https://evil.example' },
    deployed,
    true,
  ],
  ['a sandboxed frame in an older browser', 'POST', { fetchSite: undefined, origin: 'null' }, deployed, true],
  ['our host under plain http', 'POST', { fetchSite: undefined, origin: 'http://app.example.com' }, deployed, true],
  [
    'our host on another port',
    'POST',
    { fetchSite: undefined, origin: 'https://app.example.com:8443' },
    deployed,
    true,
  ],
  [
    'a host that begins like ours',
    'POST',
    { fetchSite: undefined, origin: 'https://app.example.com.evil.example' },
    deployed,
    true,
  ],
  ['a client that is no browser', 'POST', { fetchSite: undefined, origin: undefined }, deployed, false],
  ['another unsafe method', 'DELETE', { fetchSite: 'cross-site', origin: undefined }, deployed, true],
  ['the lab by another of its names', 'POST', { fetchSite: undefined, origin: 'http://127.0.0.1:8000' }, lab, false],
  ['the lab by its IPv6 name', 'POST', { fetchSite: undefined, origin: 'http://[::1]:8000' }, lab, false],
  ['another port of the same machine', 'POST', { fetchSite: undefined, origin: 'http://localhost:3000' }, lab, true],
  ['loopback, outside the lab', 'POST', { fetchSite: undefined, origin: 'http://localhost:8000' }, deployed, true],
] as const

test.each(cases)('%s: %s', (_name, method, headers, deps, expected) => {
  expect(isCrossSite({ method, ...headers }, deps)).toBe(expected)
})
