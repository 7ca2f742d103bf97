import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'

let script: string
beforeAll(async () => {
  const entryPoints = [fileURLToPath(new URL('./assets/device.ts', import.meta.url))]
  const result = await build({ entryPoints, bundle: true, format: 'esm', write: false })
  script = result.outputFiles[0]?.text ?? ''
})

/** The little of a browser that the script touches. */
const browser = (field: { value: string } | null) => ({
  document: { querySelector: (selector: string) => (selector === 'input[name="hints"]' ? field : null) },
  screen: { width: 1920, height: 1080, colorDepth: 24 },
  devicePixelRatio: 2,
  navigator: { languages: ['en-GB', 'de'] },
  Intl: { DateTimeFormat: () => ({ resolvedOptions: () => ({ timeZone: 'Europe/Berlin' }) }) },
})

test('the sign-in form sends screen, time zone and languages in a fixed order', () => {
  const field = { value: '' }
  runInNewContext(script, browser(field))
  expect(field.value).toBe('{"screen":[1920,1080,24,2],"timeZone":"Europe/Berlin","languages":["en-GB","de"]}')
})

test('a page without that form is left alone', () => {
  expect(() => runInNewContext(script, browser(null))).not.toThrow()
})
