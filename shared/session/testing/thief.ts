import type { LiveSessions } from '../../stores/port.ts'
import { ownerOf } from './browser.ts'
import type { Simulation } from './clock.ts'

/** The behaviour of a thief who has copied a token and all headers. */
export const STRATEGIES = [
  'presents the copy', // and never asks for a renewal
  'asks with the copy', // and never presents what he gets
  'adopts at once',
  'adopts when the copy is stale', // asks on with it until it is refused
  'adopts later', // keeps a successor back for a while
  'does anything', // each step drawn from all of these
] as const
export type Strategy = (typeof STRATEGIES)[number]

export interface Means {
  strategy: Strategy
  network: string
  /** Milliseconds until he acts again. */
  step: () => number
  /** How long he keeps a successor back. */
  patienceMs: number
  random: () => number
  sessions: LiveSessions
  clock: Simulation
}

export interface Thief {
  /** When he first presented a successor. */
  readonly adoptedAt: number | undefined
  /** The number of renewals between the copy and the best accepted token. */
  readonly depth: number
  act(): Promise<void>
}

export function createThief(sid: string, copy: number, means: Means): Thief {
  const { strategy, network, sessions, clock, random } = means
  const since = clock.now
  const depths = new Map([[copy, 0]])
  const loot: number[] = []
  let held = copy
  let adoptedAt: number | undefined
  let depth = 0

  const adopt = () => {
    held = loot.pop() ?? held
  }
  /** Over HTTP every use presents the token, also a request for its successor. */
  const use = async (asks: boolean): Promise<void> => {
    const presented = await sessions.present({ sid, userId: ownerOf(sid), gen: held, network }, clock.now)
    if (presented.kind !== 'live') return
    const reached = depths.get(held) ?? 0
    if (reached > 0) adoptedAt ??= clock.now
    depth = Math.max(depth, reached)
    if (!asks) return
    const renewal = await sessions.renew({ sid, userId: ownerOf(sid), gen: held, network }, clock.now)
    if (renewal.kind === 'offered') {
      loot.push(renewal.gen)
      depths.set(renewal.gen, reached + 1)
    }
    if (strategy === 'adopts at once') adopt()
    if (strategy === 'adopts when the copy is stale' && renewal.kind === 'stale') adopt()
  }
  const act = async () => {
    if (strategy === 'adopts later' && clock.now - since > means.patienceMs) adopt()
    if (strategy === 'does anything' && random() < 0.2) adopt()
    await use(strategy === 'does anything' ? random() < 0.5 : strategy !== 'presents the copy')
    clock.after(means.step(), act)
  }
  return {
    get adoptedAt() {
      return adoptedAt
    },
    get depth() {
      return depth
    },
    act,
  }
}
