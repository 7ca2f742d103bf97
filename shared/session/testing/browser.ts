import type { LiveSessions } from '../../stores/port.ts'
import type { Simulation } from './clock.ts'

/** How a simulated browser and its network behave. */
export interface Habits {
  /** Milliseconds between two clicks. */
  pause: () => number
  /** The number of requests of one click: restored tabs and pages that load others. */
  requests: () => number
  /** Milliseconds from a request to its answer. */
  roundTrip: () => number
  /** The longest time for an answer, retries included: the grace. */
  patience: number
  /** Chance that a request, or its answer, never arrives. */
  loss: number
  /** Chance that a request without an answer is sent again unchanged, cookie included. */
  retry: number
  /** The network of the next click. */
  network: () => string
  random: () => number
}

/** The owner of a simulated session: each session has its own. */
export const ownerOf = (sid: string): string => `owner of ${sid}`

export interface Browser {
  /** The gen of the cookie in its one jar. */
  jar(): number
  /** The result of its last request; `live` at first. */
  readonly fate: 'live' | 'absent' | 'fork' | 'revoked'
  start(): void
}

/**
 * A browser with one cookie jar, and web behind it. Each answer may carry the next token, and answers come in any
 * order. A request carries the token that was in the jar when it was sent. A page from the back-forward cache sends
 * nothing by itself, and its next request uses the token of the jar: it behaves like a pause.
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

  /** Presents the token as web does, and asks for its successor if that is due. @returns the token in the answer */
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
