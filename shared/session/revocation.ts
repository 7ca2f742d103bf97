import type { LiveSession, Revocation, Tombstone } from '../stores/port.ts'

type Facts = Pick<LiveSession, 'begunAt' | 'createdAt' | 'epoch'>

/**
 * The revocation that ended a session of this user. Of several it is the one of the lowest epoch that ended every
 * session, because it came first.
 */
export function endedBy(session: Facts, revocation: Revocation | undefined): Revocation | undefined {
  if (!revocation) return undefined
  const { earlier } = revocation
  return (earlier && endedBy(session, earlier)) ?? (ends(session, revocation) ? revocation : undefined)
}

const ends = ({ begunAt, createdAt, epoch }: Facts, { epoch: current, openedBefore }: Revocation): boolean =>
  epoch < current && (openedBefore === undefined || (begunAt ?? createdAt) < openedBefore)

/** Two revocations of a user as one. The order in which they come does not matter. */
export function combine(one: Revocation | undefined, other: Revocation): Revocation {
  const kept = [one?.earlier, one, other].filter((revocation) => revocation !== undefined)
  const highest = (sparing: boolean) =>
    kept
      .filter(({ openedBefore }) => (openedBefore !== undefined) === sparing)
      .reduce<Revocation | undefined>((best, next) => (best && best.epoch >= next.epoch ? best : next), undefined)
  const [all, some] = [highest(false), highest(true)]
  // What an earlier one ended stays ended.
  const openedBefore = Math.max(...kept.map((revocation) => revocation.openedBefore ?? 0))
  return revocationOf(all && bare(all), some && { ...bare(some), openedBefore }) ?? other
}

/**
 * @param all the latest that spared no session
 * @param some the latest that spared those that were opened later
 */
export function revocationOf(all: Revocation | undefined, some: Revocation | undefined): Revocation | undefined {
  if (!all || !some) return all ?? some
  return some.epoch > all.epoch ? { ...some, earlier: all } : all
}

const bare = ({ earlier: _, ...revocation }: Revocation): Revocation => revocation

/** What a session that it ended leaves behind. */
export const tombstoneOf = ({ reason, at, containmentId }: Tombstone): Tombstone => ({
  reason,
  at,
  ...(containmentId !== undefined && { containmentId }),
})
