import type { Insider } from '../../attacks/kit/attack.ts'
import { openLogs } from './logs.ts'

const WITHIN_MS = 5_000
/** There is one each minute. */
const BEATS_WITHIN_MS = 65_000

/** An operator of the lab. No signal ends what it does: what it has turned off is turned on again in any case. */
export const openInsider = (datadogUrl: string): Insider => ({
  async forwarding(on) {
    const response = await fetch(`${datadogUrl}/lab/forwarding`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ functions: on }),
      signal: AbortSignal.timeout(WITHIN_MS),
    })
    if (!response.ok)
      throw new Error(`the lab answered ${response.status} to /lab/forwarding: ${await response.text()}`)
  },
  async heartbeat() {
    const logs = openLogs(datadogUrl, AbortSignal.timeout(BEATS_WITHIN_MS + WITHIN_MS))
    const [beat] = await logs.await('@evt:sweep @outcome:success', 1, BEATS_WITHIN_MS)
    if (!beat) throw new Error('the functions have no heartbeat: no sweep was logged within a minute')
  },
  async loginHash(email) {
    const logs = openLogs(datadogUrl, AbortSignal.timeout(2 * WITHIN_MS))
    const [log] = await logs.await(`@evt:(login OR register) @email:"${email}"`, 1, WITHIN_MS)
    if (!log) throw new Error('nothing was logged of a login that was submitted')
    return String(log.attributes.login_hash)
  },
})
