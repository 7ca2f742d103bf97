import type { Lifetimes } from './policy.ts'

/**
 * The numbered tokens of one session. A browser moves from one gen to the next and never back, except for requests
 * under way. Two holders of a copied token go back and forth, which reveals them. The Lua scripts of the Redis store
 * make the same decisions; a test compares the two on random operations.
 */
export interface Gens {
  /** The gen in use, and when it was first presented (epoch ms). */
  gen: number
  since: number
  /** The gen that the current one succeeded; 0 for the first. */
  base: number
  /** When the first successor of `base` was presented. */
  met: number
  /** Other presented successors of `base`. Until `settle` the browser may hold any of them. */
  peers: readonly number[]
  settle: number
  /** The highest number issued so far. */
  top: number
  /** Successors that were issued and not presented yet. */
  next: readonly Offer[]
  /** Retired gens that may still be in a request under way, and when they were retired. */
  past: readonly { gen: number; at: number }[]
}

export interface Offer {
  gen: number
  /** The gen that was renewed, and its predecessor. */
  parent: number
  grand: number
  /** The network that asked for it. */
  network: string
  at: number
}

/** This many successors of one gen, none of them presented, are a fork: one holder takes the renewals of the other. */
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
 * A successor becomes the current gen when it is presented. Two tabs may hold different successors of the same gen,
 * and a slow request may present a token that the browser has replaced. So all of them are accepted until `settle`,
 * the latest instant at which an answer and then a request can be under way. The next one presented after that is the
 * only one accepted. Successors of a sibling stay too, because a slow request may have asked for them. All others are
 * retired.
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

/** @returns why and for how long this network may not ask for a successor; undefined if it may */
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

/**
 * Records a renewal, which uses the current gen and retires its siblings.
 * @returns the gens with one more successor, numbered `top`; undefined for a fork
 */
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
