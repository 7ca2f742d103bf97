import { expect, test } from 'vitest'
import { CookieCopies } from './copies.ts'

const tokenOf = (sid: string, gen = 1) => `h.${Buffer.from(JSON.stringify({ sid, gen })).toString('base64url')}.s${gen}`
const request = (sid: string, gen?: number) => ({
  cookie: `device=x; session=${tokenOf(sid, gen)}`,
  'user-agent': 'UA',
})

test('the newest cookie of each session is kept, and the session used last comes first', () => {
  let now = 1_000
  const copies = new CookieCopies(() => now)
  copies.note(request('a'))
  now = 2_000
  copies.note(request('b'))
  expect(copies.find()).toEqual({ sid: 'b', secret: tokenOf('b'), userAgent: 'UA', seenAt: 2_000 })
  copies.note(request('a', 2))
  expect(copies.find()).toMatchObject({ sid: 'a', secret: tokenOf('a', 2) })
  expect(copies.find('b')).toMatchObject({ sid: 'b' })
  expect(copies.find('c')).toBeUndefined()
  expect(copies.find(undefined, (sid) => sid === 'a')).toMatchObject({ sid: 'b' })
  expect(copies.find(undefined, () => true)).toMatchObject({ sid: 'a' })
  expect(copies.find('a', () => true)).toMatchObject({ sid: 'a' })
})

test.each([
  {},
  { cookie: 'session=x' },
  { cookie: 'session=a.e30.b' },
  { cookie: `notsession=${tokenOf('a')}` },
  { ...request('a'), 'x-lab-client-ip': '203.0.113.9' },
])('the request %j holds no session of a browser on this machine', (headers) => {
  const copies = new CookieCopies()
  copies.note(headers)
  expect(copies.find()).toBeUndefined()
})

test('the sessions are limited in number', () => {
  const copies = new CookieCopies()
  for (let n = 0; n < 60; n++) copies.note(request(`s${n}`))
  expect(copies.find('s9')).toBeUndefined()
  expect(copies.find('s10')).toBeDefined()
})
