import { describe, expect, test } from 'vitest'
import { parseHostJson } from './host-json.ts'

const http = (http: object) => parseHostJson(JSON.stringify({ version: '2.0', extensions: { http } }))

describe('host.json', () => {
  test('needs nothing but its version', () => {
    expect(parseHostJson('{"version":"2.0"}')).toEqual({
      routePrefix: 'api',
      customHeaders: {},
      maxConcurrentRequests: Number.POSITIVE_INFINITY,
      maxOutstandingRequests: Number.POSITIVE_INFINITY,
      functionTimeoutMs: 1_800_000,
      logLevel: {},
      ignored: [],
    })
  })

  test('may contain comments; slashes inside strings do not begin one', () => {
    const text = '// first\n{ /* second */ "version": "2.0", "extensions": { "http": { "routePrefix": "//v1/*x*/" } } }'
    expect(parseHostJson(text).routePrefix).toBe('v1/*x*')
  })

  test.each(['{}', '{"version":"1.0"}', '{"version":2}'])('%s has the wrong version', (text) =>
    expect(() => parseHostJson(text)).toThrow(/version must be "2.0"/),
  )

  test('names the settings without effect', () => {
    const text = JSON.stringify({
      version: '2.0',
      extensionBundle: {},
      extensions: { http: { hsts: {}, routePrefix: '' }, queues: {} },
      logging: { applicationInsights: {} },
    })
    expect(parseHostJson(text).ignored).toEqual([
      'extensionBundle',
      'extensions.queues',
      'extensions.http.hsts',
      'logging.applicationInsights',
    ])
  })

  test.each([
    ['00:00:01', 1000],
    ['01:00:00', 3_600_000],
    ['1.00:00:00', 86_400_000],
    ['-1', Number.POSITIVE_INFINITY],
  ])('functionTimeout %s is %d ms', (functionTimeout, ms) =>
    expect(parseHostJson(JSON.stringify({ version: '2.0', functionTimeout })).functionTimeoutMs).toBe(ms),
  )

  test.each([
    [{ routePrefix: 7 }, /routePrefix/],
    [{ customHeaders: { 'X Y': 'z' } }, /X Y/],
    [{ customHeaders: { X: 'a\nb' } }, /X/],
    [{ maxConcurrentRequests: 0 }, /maxConcurrentRequests/],
    [{ maxOutstandingRequests: '5' }, /maxOutstandingRequests/],
  ])('%j is refused by name', (settings, name) => expect(() => http(settings)).toThrow(name))

  test('refuses a time span and a log level that it cannot read', () => {
    expect(() => parseHostJson('{"version":"2.0","functionTimeout":"5 min"}')).toThrow(/functionTimeout/)
    expect(() => parseHostJson('{"version":"2.0","logging":{"logLevel":{"Function":"Loud"}}}')).toThrow(/Function/)
    expect(() => parseHostJson('{')).toThrow(/host.json is not JSON/)
  })
})
