import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { launchBrowser, maySkip, NoBrowser } from './launch.ts'
import { openVisitor, type Visitor, type VisitorOptions } from './visitor.ts'

/** Opens a page of an origin, in a profile of its own. */
export type OpenVisitor = (origin: string, options?: VisitorOptions) => Promise<Visitor>

/**
 * One browser for all tests of a file, without a lab. Without a browser they are skipped with a warning; in CI they fail. What
 * went wrong in a page fails its test.
 */
export function useBrowser(): OpenVisitor {
  let browser: Browser | undefined
  let missing: string | undefined
  const visitors = new Set<Visitor>()
  beforeAll(async () => {
    try {
      browser = await launchBrowser()
    } catch (error) {
      if (!(error instanceof NoBrowser) || !maySkip(process.env)) throw error
      missing = error.message
      process.stderr.write(`\nTHE BROWSER TESTS ARE SKIPPED. ${missing}\n\n`)
    }
  })
  beforeEach(({ skip }) => skip(missing !== undefined, missing))
  afterEach(async () => {
    const faults = [...visitors].flatMap((visitor) => visitor.faults)
    await Promise.all([...visitors].map((visitor) => visitor.close()))
    visitors.clear()
    expect(faults).toEqual([])
  })
  afterAll(() => browser?.close())
  return async (origin, options = {}) => {
    if (!browser) throw new Error('the browser is open only while tests run')
    const visitor = await openVisitor(browser, origin, options)
    visitors.add(visitor)
    return visitor
  }
}
