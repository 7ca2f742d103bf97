import { describe, expect, test } from 'vitest'
import { FUNCTIONS_SITE, isCrossSite, webSite } from './cross-site.ts'

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

test.each(cases)('web, %s: %s', (_name, method, headers, deps, expected) => {
  expect(isCrossSite({ method, ...headers }, webSite(deps))).toBe(expected)
})

describe('functions, which serves no page', () => {
  const judge = (fetchSite: string | undefined, origin?: string, method = 'POST') =>
    isCrossSite({ method, fetchSite, origin }, FUNCTIONS_SITE)

  test.each([
    ['cross-site', undefined],
    ['same-site', undefined],
    ['cross-site', 'https://functions.example.com'],
    ['', undefined],
    ['unheard-of', undefined],
  ])('refuses a browser that says Sec-Fetch-Site: %s, Origin: %s', (fetchSite, origin) => {
    expect(judge(fetchSite, origin)).toBe(true)
  })

  test.each(['https://evil.example', 'https://app.example.com', 'http://localhost:7071', 'null', ''])(
    'refuses an older browser with any Origin at all: %s',
    (origin) => {
      expect(judge(undefined, origin)).toBe(true)
    },
  )

  test.each(['PUT', 'PATCH', 'DELETE', 'post'])('refuses another site whatever the method: %s', (method) => {
    expect(judge('cross-site', undefined, method)).toBe(true)
  })

  test.each([
    ['a client that is no browser', undefined, undefined],
    ["a person's own tool in a browser", 'none', 'chrome-extension://abc'],
    ['its own origin', 'same-origin', undefined],
  ])('lets %s through', (_, fetchSite, origin) => {
    expect(judge(fetchSite, origin)).toBe(false)
  })
})
