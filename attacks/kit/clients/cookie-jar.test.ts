import { expect, test } from 'vitest'
import { CookieJar } from './cookie-jar.ts'

test('the session cookie is found under its http and its https name', () => {
  for (const [origin, name] of [
    ['http://localhost:8000', 'session'],
    ['https://app.example.com', '__Host-session'],
  ] as const) {
    const jar = new CookieJar(origin)
    jar.take([`${name}=abc; Path=/; HttpOnly; SameSite=Lax`, 'account=bWU; Path=/'])
    expect(jar.session()).toBe('abc')
    expect(jar.header()).toBe(`${name}=abc; account=bWU`)
  }
})

test.each([
  'session=; Path=/',
  'session=abc; Max-Age=0; Path=/',
  'session=abc; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
])('a cookie is gone after %s', (line) => {
  const jar = new CookieJar('http://localhost')
  jar.holdSession('stolen')
  jar.take([line])
  expect(jar.session()).toBeUndefined()
  expect(jar.header()).toBe('')
})
