import type { LiveSessions } from '../../stores/port.ts'
import type { Simulation } from './clock.ts'

/** How a simulated browser and its network behave. */
export interface Habits {
  /** Milliseconds between two clicks. */
  pause: () => number
  /** How many requests one click sends at once: tabs that are restored, pages that load others. */
  requests: () => number
  /** Milliseconds from a request to its answer. */
  roundTrip: () => number
  /** The longest that may be, tries again included: the grace. */
  patience: number
  /** Chance that a request, or its answer, never arrives. */
  loss: number
  /** Chance that a request whose answer did not come is sent again as it was, cookie and all. */
  retry: number
  /** The network of the next click. */
  network: () => string
  random: () => number
}

/** Whose a simulated session is: each has an owner of its own. */
export const ownerOf = (sid: string): string => `owner of ${sid}`

export interface Browser {
  /** The gen of the cookie in its one jar. */
  jar(): number
  /** What became of its latest request; `live` until something else was answered. */
  readonly fate: 'live' | 'absent' | 'fork' | 'revoked'
  start(): void
}

/**
 * A browser with one jar and web behind it: each answer may carry the next token, answers come in any order, and a
 * request carries the token that was in the jar when it was sent, however long it takes. A page from the back-forward
 * cache sends nothing by itself, and its next request takes the jar's token as every other does: a pause.
 */
export function createBrowser(
  sid: string,
  gen: number,
  { sessions, clock, habits }: { sessions: LiveSessions; clock: Simulation; habits: Habits },
  onLive: (gen: number) => void = () => {},
): Browser {
  const { random } = habits
  let jar = gen
  let fate: Browser['fate'] = 'live'

  /** As web does: presents the token, and asks for its successor once that is due. @returns the token in the answer */
  const handle = async (sent: number, network: string): Promise<number | undefined> => {
    if (fate !== 'live') return undefined
    const use = { sid, userId: ownerOf(sid), gen: sent, network }
    const presented = await sessions.present(use, clock.now)
    if (presented.kind !== 'live') fate = presented.kind
    else onLive(sent)
    if (presented.kind !== 'live' || !presented.renewalDue) return undefined
    const renewal = await sessions.renew(use, clock.now)
    if (renewal.kind === 'fork') fate = 'fork'
    return renewal.kind === 'offered' ? renewal.gen : undefined
  }
  const send = (sent: number, network: string, within: number, again: boolean) => {
    const whole = Math.min(within, habits.roundTrip())
    const up = whole * random()
    const lost = random() < habits.loss
    const upstream = random() < 0.5
    clock.after(up, async () => {
      const carried = lost && upstream ? undefined : await handle(sent, network)
      if (lost && again && random() < habits.retry) send(sent, network, Math.max(0, within - whole), false)
      if (lost || carried === undefined) return
      clock.after(whole - up, async () => {
        jar = carried
      })
    })
  }
  const click = async () => {
    if (fate !== 'live') return
    const network = habits.network()
    for (let n = habits.requests(); n > 0; n--) send(jar, network, habits.patience, true)
    clock.after(habits.pause(), click)
  }
  return {
    jar: () => jar,
    get fate() {
      return fate
    },
    start: () => clock.after(habits.pause(), click),
  }
}
