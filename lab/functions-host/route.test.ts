import { describe, expect, test } from 'vitest'
import { matchRoute, parseRoute, pathSegments, routesOverlap } from './route.ts'

const match = (template: string, path: string) => {
  const segments = pathSegments(path)
  return segments && matchRoute(parseRoute(template), segments)
}

describe('a route template', () => {
  test.each([
    ['api/health', '/api/health', {}],
    ['api/health', '/API/Health', {}],
    ['api/health', '/api/health/', {}],
    ['api/health', '/api/./x/../health', {}],
    ['api/sessions/{sid}/end', '/api/sessions/abc/END', { sid: 'abc' }],
    ['api/{a}/{b?}', '/api/1', { a: '1' }],
    ['api/{a}/{b?}', '/api/1/2', { a: '1', b: '2' }],
    ['', '/', {}],
  ])('%s matches %s', (template, path, params) => expect(match(template, path)).toEqual(params))

  test.each([
    ['api/health', '/api'],
    ['api/health', '/api/health/x'],
    ['api/health', '/api//health'],
    ['api/health', '/api/health//'],
    ['api/sessions/{sid}', '/api/sessions'],
    ['api/sessions/{sid}', '/api/sessions/'],
    ['api/{a}/{b?}', '/api/1/2/3'],
    ['', '/x'],
  ])('%s does not match %s', (template, path) => expect(match(template, path)).toBeUndefined())

  test.each([
    ['{id:int}', /constraint/],
    ['{id=7}', /default value/],
    ['{*rest}', /catch-all/],
    ['{**rest}', /catch-all/],
    ['file.{ext}', /mixed segment/],
    ['{a}-{b}', /mixed segment/],
    ['{a?}/b', /before the last segment/],
    ['{}', /parameter name/],
    ['a//b', /empty segment/],
  ])('%s is refused by name, as this host could not match it like Azure', (template, reason) =>
    expect(() => parseRoute(template)).toThrow(reason),
  )
})

describe('a request path', () => {
  test('is percent-decoded once, except for slashes', () => {
    expect(pathSegments('/a%20b/c%2Fd/e%2ff/%2541')).toEqual(['a b', 'c%2Fd', 'e%2ff', '%41'])
  })

  test('keeps bytes that are not UTF-8', () => expect(pathSegments('/%ff/%')).toEqual(['%ff', '%']))

  test('with a NUL is refused', () => expect(pathSegments('/a%00b')).toBeUndefined())

  test('cannot climb above its root', () => expect(pathSegments('/../../%2e%2e/x')).toEqual(['x']))
})

test.each([
  ['api/sessions/{sid}', 'api/sessions/me', true],
  ['api/{x}', 'api/sessions', true],
  ['api/a', 'API/A', true],
  ['api/a/{x?}', 'api/a', true],
  ['api/a/{x}', 'api/a', false],
  ['api/a', 'api/b', false],
])('%s and %s overlap: %s', (a, b, overlap) => {
  expect(routesOverlap(parseRoute(a), parseRoute(b))).toBe(overlap)
  expect(routesOverlap(parseRoute(b), parseRoute(a))).toBe(overlap)
})
