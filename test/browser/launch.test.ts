import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { systemPrograms } from './chromium.ts'
import { launchBrowser, maySkip, NoBrowser } from './launch.ts'

const among =
  (...paths: string[]) =>
  (path: string) =>
    paths.includes(path)

test('a browser on PATH is found, Chrome before Chromium before Edge, wherever each lies', () => {
  const PATH = ['/usr/local/bin', '/usr/bin'].join(delimiter)
  const [edge, chromium, chrome] = [
    join('/usr/local/bin', 'microsoft-edge'),
    join('/usr/local/bin', 'chromium'),
    join('/usr/bin', 'google-chrome'),
  ]
  const found = systemPrograms({ PATH }, 'linux', among(edge, chromium, chrome, '/usr/sbin/chromium'))
  expect(found.map(({ path }) => path)).toEqual([chrome, chromium, edge])
})

test('on macOS and Windows a browser is found where its installer puts it', () => {
  const mac = join('/Applications', 'Google Chrome.app', 'Contents', 'MacOS', 'Google Chrome')
  expect(systemPrograms({}, 'darwin', among(mac))).toEqual([{ path: mac }])
  const env = { PROGRAMFILES: 'C:\\Program Files', 'PROGRAMFILES(X86)': 'C:\\Program Files (x86)' }
  const edge = join('C:\\Program Files (x86)', 'Microsoft', 'Edge', 'Application', 'msedge.exe')
  expect(systemPrograms(env, 'win32', among(edge))).toEqual([{ path: edge }])
})

test('a named browser that does not start is reported with the remedy; no other one is used', async () => {
  const named = join(import.meta.dirname, 'no-such-browser')
  const launched = launchBrowser({ ...process.env, CHROME_PATH: named })
  await expect(launched).rejects.toThrow(NoBrowser)
  await expect(launched).rejects.toThrow(/no-such-browser[\s\S]*Install Google Chrome/)
})

test('a laptop without a browser may skip these tests, CI may not', () => {
  expect(maySkip({})).toBe(true)
  expect(maySkip({ CI: 'false' })).toBe(true)
  expect(maySkip({ CI: 'true' })).toBe(false)
  expect(maySkip({ CI: '1' })).toBe(false)
})
