import { describe, expect, test } from 'vitest'
import { cookieText } from './cookie.ts'

describe('a cookie as ASP.NET writes it', () => {
  test('has a path even when none was given', () => {
    expect(cookieText({ name: 'a', value: 'b', sameSite: 'none' })).toBe('a=b; path=/')
  })

  test('has its attributes in one order and in lower case', () => {
    const everything = cookieText({
      name: '__Host-s',
      value: 'v',
      httpOnly: { value: true },
      sameSite: 'strict',
      secure: { value: true },
      path: { value: '/x' },
      domain: { value: 'example.test' },
      maxAge: { value: 59.9 },
      expires: { value: { seconds: 1 } },
    })
    expect(everything).toBe(
      '__Host-s=v; expires=Thu, 01 Jan 1970 00:00:01 GMT; max-age=59; domain=example.test; path=/x; secure; samesite=strict; httponly',
    )
  })

  test('percent-encodes all but the unreserved characters of its value', () => {
    expect(cookieText({ name: 'a', value: "+/= ;,!'()*é~._-" })).toBe(
      'a=%2B%2F%3D%20%3B%2C%21%27%28%29%2A%C3%A9~._-; path=/',
    )
  })

  test('writes an explicit `None`, and leaves out attributes that are false', () => {
    const cookie = { name: 'a', value: '', secure: { value: false }, httpOnly: { value: false } }
    expect(cookieText({ ...cookie, sameSite: 'explicitNone' })).toBe('a=; path=/; samesite=none')
  })

  test('with a name that is no token is refused', () => {
    expect(() => cookieText({ name: 'a b', value: '' })).toThrow(/cookie name/)
    expect(() => cookieText({ name: '', value: '' })).toThrow(/cookie name/)
  })
})
