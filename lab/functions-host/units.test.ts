import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { expandGlob, globToRegExp } from './glob.ts'
import { createHostLog } from './log.ts'
import { isLoopbackName } from './loopback.ts'
import { createThrottle } from './throttle.ts'
import { traceContext } from './trace.ts'

describe('the glob of "main"', () => {
  test.each([
    ['dist/*.js', 'dist/a.js', true],
    ['dist/*.js', 'dist/x/a.js', false],
    ['dist/**/*.js', 'dist/a.js', true],
    ['dist/**/*.js', 'dist/x/y/a.js', true],
    ['{index,functions/*}.js', 'functions/a.js', true],
    ['{index,functions/*}.js', 'index.js', true],
    ['{index,functions/*}.js', 'other.js', false],
    ['a?.js', 'ab.js', true],
    ['a.js', 'axjs', false],
    ['a(1),b.js', 'a(1),b.js', true],
  ])('%s matches %s: %s', (glob, path, matches) => expect(globToRegExp(glob).test(path)).toBe(matches))

  test('finds files in order, and everything in a folder', async () => {
    const root = await mkdtemp(join(tmpdir(), 'glob-'))
    await mkdir(join(root, 'src/b'), { recursive: true })
    await mkdir(join(root, 'node_modules'))
    for (const file of ['src/z.js', 'src/b/a.js', 'node_modules/m.js']) await writeFile(join(root, file), '')
    expect(await expandGlob(root, './src/*.js')).toEqual(['src/z.js'])
    expect(await expandGlob(root, 'src')).toEqual(['src/b/a.js', 'src/z.js'])
    expect(await expandGlob(root, '**/*.js')).toEqual(['src/b/a.js', 'src/z.js'])
    expect(await expandGlob(root, 'dist/*.js')).toEqual([])
    await rm(root, { recursive: true })
  })
})

describe('the console of the host', () => {
  const linesOf = (levels: Record<string, string>) => {
    const lines: string[] = []
    const log = createHostLog(
      levels,
      (line) => lines.push(line),
      () => new Date('2026-11-22T10:00:00Z'),
    )
    return { log, lines }
  }

  test('shows information and above by default', () => {
    const { log, lines } = linesOf({})
    log('debug', 'Function.a.User', 'quiet')
    log('information', 'Function.a.User', 'said')
    log('error', 'Host.X', 'loud')
    expect(lines).toEqual(['[2026-11-22T10:00:00.000Z] said', '[2026-11-22T10:00:00.000Z] [error] loud'])
  })

  test('follows the longest category prefix', () => {
    const { log, lines } = linesOf({ default: 'None', Function: 'Warning', 'Function.a.User': 'Trace' })
    log('trace', 'Function.a.User', '1')
    log('information', 'Function.a', '2')
    log('warning', 'Function.b.User', '3')
    log('critical', 'Functional', '4')
    expect(lines.map((line) => line.at(-1))).toEqual(['1', '3'])
  })
})

describe('the throttle', () => {
  test('lets a waiting request in when one leaves, and refuses beyond the outstanding limit', async () => {
    const throttle = createThrottle(1, 2)
    const first = await throttle.enter()
    const second = throttle.enter()
    expect(await throttle.enter()).toBeUndefined()
    first?.()
    const leaveSecond = await second
    expect(leaveSecond).toBeTypeOf('function')
    leaveSecond?.()
    expect(await throttle.enter()).toBeTypeOf('function')
  })
})

describe('the trace context', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'

  test('keeps the trace and flags of the caller under a span of its own', () => {
    const { traceParent, traceState } = traceContext(`00-${trace}-b7ad6b7169203331-01`, 'v=1')
    expect(traceParent).toMatch(new RegExp(`^00-${trace}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`))
    expect(traceState).toBe('v=1')
  })

  test.each([undefined, '', 'x', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `00-${trace}-${'0'.repeat(16)}-01`])(
    'starts a new trace after %s',
    (given) => {
      const { traceParent, traceState } = traceContext(given, 'v=1')
      expect(traceParent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-00$/)
      expect(traceParent).not.toContain(trace)
      expect(traceState).toBe('')
    },
  )
})

test.each([
  ['localhost', true],
  ['lab.localhost', true],
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['127.0.0.1.example.test', false],
  ['localhost.example.test', false],
  ['::', false],
])('%s is loopback: %s', (name, loopback) => expect(isLoopbackName(name)).toBe(loopback))
