import type { Redis } from 'ioredis'
import * as z from 'zod'
import { within } from '../shared/bounded.ts'
import type { Sid } from '../shared/event.ts'
import { ttlUntil } from '../shared/stores/redis/key.ts'

const Stranger = z.object({ device: z.string().max(200), ip: z.string().max(45), at: z.number().int() })

/** A device that used a session which another device had opened. `at` is epoch ms. */
export type Stranger = z.infer<typeof Stranger>

/** The first stranger of each session, so that the notice of its end can name the device. */
export interface Strangers {
  /** Keeps the first one that is noted. @param until epoch ms */
  note(sid: z.infer<typeof Sid>, stranger: Stranger, until: number): Promise<void>
  of(sid: z.infer<typeof Sid>): Promise<Stranger | undefined>
}

/** No page waits longer for what it can do without. */
const WAIT_MS = 1_000
/** A notice may be read some days after the session was over. */
const READABLE_MS = 7 * 86_400_000
/** Of the sessions that this process has noted: each request of a changed browser would write otherwise. */
const MAX_NOTED = 10_000

export function createStrangers(redis: Redis): Strangers {
  const noted = new Set<string>()
  const keyOf = (sid: string) => `stranger:${sid}`
  return {
    async note(sid, stranger, until) {
      if (noted.has(sid)) return
      if (noted.size >= MAX_NOTED) noted.clear()
      noted.add(sid)
      const ttl = ttlUntil(until + READABLE_MS)
      await within(WAIT_MS, redis.set(keyOf(sid), JSON.stringify(stranger), 'PX', ttl, 'NX')).catch(
        (error: unknown) => {
          noted.delete(sid)
          throw error
        },
      )
    },
    async of(sid) {
      const text = await within(WAIT_MS, redis.get(keyOf(sid)))
      return text === null ? undefined : Stranger.parse(JSON.parse(text))
    },
  }
}
