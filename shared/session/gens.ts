import type { Lifetimes } from './policy.ts'

/**
 * The tokens of one session, by number. A browser's jar moves from one gen to the next and never back, except for
 * requests under way; two holders of a copied token go back and forth, and that is how they are found. The Lua scripts
 * of the Redis store make the same decisions; a test compares the two on random operations.
 */
export interface Gens {
  /** The gen in use, and when it was first presented (epoch ms). */
  gen: number
  since: number
  /** The gen that the current one succeeded; 0 for the first. */
  base: number
  /** When the first successor of `base` was presented. */
  met: number
  /** Successors of `base` that were presented besides the current gen: until `settle` any of them may be the jar's. */
  peers: readonly number[]
  settle: number
  /** The highest number ever given out. */
  top: number
  /** Successors that were given out and not presented yet. */
  next: readonly Offer[]
  /** Gens that may still be under way, and when they stopped being good. */
  past: readonly { gen: number; at: number }[]
}

export interface Offer {
  gen: number
  /** The gen that was renewed, and the one before that. */
  parent: number
  grand: number
  /** The network that asked for it. */
  network: string
  at: number
}

/** So many successors of one gen without one presented are a fork: one holder takes the other's renewals. */
export const MOST_OFFERS = 7

export const firstGen = (now: number): Gens => ({
  gen: 1,
  since: now,
  base: 0,
  met: now,
  peers: [],
  settle: 0,
  top: 1,
  next: [],
  past: [],
})

/**
 * A successor becomes the current gen when it is presented. Two tabs may each have got one of the same gen, and a slow
 * request may present the one that the jar holds no longer: all of them are good until `settle`, the latest instant at
 * which an answer and then a request can have been under way. Whichever is presented next is the jar's; no other is good.
 * Successors of a sibling stay as well, because a slow request may have asked for them. All others are retired.
 * @returns the gens afterwards; undefined for a fork
 */
export function presentGen(gens: Gens, gen: number, now: number, graceMs: number): Gens | undefined {
  const isPeer = gens.peers.includes(gen)
  if (gen === gens.gen || isPeer) {
    return gens.peers.length === 0 || now <= gens.settle ? gens : { ...gens, gen, peers: [] }
  }
  const offer = gens.next.find((one) => one.gen === gen)
  if (offer) return promote(gens, offer, now, graceMs)
  const retired = gens.past.find((one) => one.gen === gen)
  return retired && now - retired.at <= graceMs ? gens : undefined
}

function promote(gens: Gens, offer: Offer, now: number, graceMs: number): Gens {
  const { gen, parent: base } = offer
  const isSibling = base === gens.base
  const met = isSibling ? gens.met : now
  const latest = met + 2 * graceMs
  const joins = isSibling && now <= latest
  const isKept = ({ parent, grand }: Offer) => parent === gen || parent === base || grand === base
  const rest = gens.next.filter((one) => one !== offer)
  const before = [...gens.peers, gens.gen]
  const retired = [...(joins ? [] : before), ...rest.filter((one) => !isKept(one)).map((one) => one.gen)]
  const past = gens.past.filter((one) => now - one.at <= graceMs)
  return {
    gen,
    since: now,
    base,
    met,
    top: gens.top,
    peers: joins ? before : [],
    settle: joins ? Math.min(now + graceMs, latest) : 0,
    next: rest.filter(isKept),
    past: [...past, ...retired.map((one) => ({ gen: one, at: now }))],
  }
}

/** @returns why this network may not ask for a successor now, and for how long; undefined if it may */
export function waitForRenewal(
  gens: Gens,
  network: string,
  now: number,
  { renewMs, graceMs }: { renewMs: number; graceMs: number },
): { kind: 'early' | 'repeated'; waitMs: number } | undefined {
  const unsettled = gens.peers.length === 0 ? 0 : gens.settle + 1
  const early = Math.max(gens.since + renewMs, unsettled) - now
  if (early > 0) return { kind: 'early', waitMs: early }
  const asked = gens.next.filter((one) => one.parent === gens.gen && one.network === network).map((one) => one.at)
  const repeated = Math.max(...asked) + graceMs - now
  return repeated >= 0 ? { kind: 'repeated', waitMs: repeated + 1 } : undefined
}

/** A renewal is a use of the current gen, and retires its siblings. @returns the gens with one more successor, its `top`; undefined for a fork */
export function offerGen(gens: Gens, network: string, now: number): Gens | undefined {
  if (gens.next.filter((one) => one.parent === gens.gen).length >= MOST_OFFERS) return undefined
  const gen = gens.top + 1
  return {
    ...gens,
    peers: [],
    top: gen,
    next: [...gens.next, { gen, parent: gens.gen, grand: gens.base, network, at: now }],
  }
}

export const inMs = ({ renewSeconds, graceSeconds }: Pick<Lifetimes, 'renewSeconds' | 'graceSeconds'>) => ({
  renewMs: renewSeconds * 1000,
  graceMs: graceSeconds * 1000,
})
