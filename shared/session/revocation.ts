import type { LiveSession, Revocation, Tombstone } from '../stores/port.ts'

type Facts = Pick<LiveSession, 'begunAt' | 'createdAt' | 'epoch'>

/**
 * The revocation that ended a session of this user. If several apply, it is the one with the lowest epoch that ended
 * every session, because it was the first.
 */
export function endedBy(session: Facts, revocation: Revocation | undefined): Revocation | undefined {
  if (!revocation) return undefined
  const { earlier } = revocation
  return (earlier && endedBy(session, earlier)) ?? (ends(session, revocation) ? revocation : undefined)
}

const ends = ({ begunAt, createdAt, epoch }: Facts, { epoch: current, openedBefore }: Revocation): boolean =>
  epoch < current && (openedBefore === undefined || (begunAt ?? createdAt) < openedBefore)

/** Combines two revocations of a user. Their order does not matter. */
export function combine(one: Revocation | undefined, other: Revocation): Revocation {
  const kept = [one?.earlier, one, other].filter((revocation) => revocation !== undefined)
  const highest = (sparing: boolean) =>
    kept
      .filter(({ openedBefore }) => (openedBefore !== undefined) === sparing)
      .reduce<Revocation | undefined>((best, next) => (best && best.epoch >= next.epoch ? best : next), undefined)
  const [all, some] = [highest(false), highest(true)]
  // Sessions that an earlier revocation ended stay ended.
  const openedBefore = Math.max(...kept.map((revocation) => revocation.openedBefore ?? 0))
  return revocationOf(all && bare(all), some && { ...bare(some), openedBefore }) ?? other
}

/**
 * @param all the latest revocation that spared no session
 * @param some the latest revocation that spared sessions opened later
 */
export function revocationOf(all: Revocation | undefined, some: Revocation | undefined): Revocation | undefined {
  if (!all || !some) return all ?? some
  return some.epoch > all.epoch ? { ...some, earlier: all } : all
}

const bare = ({ earlier: _, ...revocation }: Revocation): Revocation => revocation

/** The tombstone of a session that a revocation ended. */
export const tombstoneOf = ({ reason, at, containmentId, by }: Tombstone): Tombstone => ({
  reason,
  at,
  ...(containmentId !== undefined && { containmentId }),
  ...(by !== undefined && { by }),
})
