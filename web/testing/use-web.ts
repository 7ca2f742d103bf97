import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { startWeb, type Web } from './harness.ts'

/**
 * Starts web for the tests of one file. Each test begins with the right time, no calls of functions and no answers of its own. At the
 * end, functions must have refused no call.
 * @param take receives web before the first test
 */
export function useWeb(take: (web: Web) => void): void {
  let web: Web
  beforeAll(async () => {
    web = await startWeb()
    take(web)
  })
  beforeEach(() => {
    web.functions.calls.length = 0
    web.functions.overrides.clear()
    web.clock.offsetMs = 0
  })
  afterAll(async () => {
    expect(web.functions.refusedCalls()).toEqual([])
    await web.close()
  })
}
