import type { LiveSession, LiveSessions } from '../../../shared/stores/port.ts'

type Methods = Pick<LiveSessions, 'present' | 'read' | 'renew'>

/** Sessions whose end goes unnoticed, as with a cache that is asked in place of the store. */
export function forgetful<T extends Methods>(sessions: T, isBroken: () => boolean): T {
  const seen = new Map<string, LiveSession>()
  return {
    ...sessions,
    async present(use, now) {
      const met = await sessions.present(use, now)
      if ('session' in met) seen.set(met.session.sid, met.session)
      const session = seen.get(use.sid)
      return isBroken() && met.kind === 'revoked' && session ? { kind: 'live', session, renewalDue: false } : met
    },
    async read(sid, now) {
      return (await sessions.read(sid, now)) ?? (isBroken() ? seen.get(sid) : undefined)
    },
    async renew(use, now) {
      const met = await sessions.renew(use, now)
      const session = seen.get(use.sid)
      const isOver = met.kind === 'absent' || met.kind === 'revoked'
      return isBroken() && isOver && session ? { kind: 'offered', gen: use.gen + 1, session } : met
    },
  } satisfies Methods
}
