import { randomUUID } from 'node:crypto'
import { addressFields } from '../../shared/client/address.ts'
import type { Perform } from '../../shared/stores/memory/tables.ts'
import type { Announcement, Containment, ContainmentLedger, LiveSessions } from '../../shared/stores/port.ts'
import { unchecked } from '../../shared/unchecked.ts'
import type { Process } from './scheduler.ts'
import type { Bug, FunctionsDeps } from './world.ts'

const DAY_MS = 86_400_000
/** From where deliveries come. */
const DATADOG = '198.51.100.1'

type Revise = ContainmentLedger['revise']
type Step = Parameters<Revise>[2]

const isSweeper = ({ name }: Process) => name.startsWith('sweeper')

/** Changes how rows are revised, for every step of it. */
const revising = (change: (revise: Revise, deps: FunctionsDeps) => Revise): Bug => ({
  functions: (deps) => {
    const { containments } = deps
    const revise: Revise = change((...args) => containments.revise(...args), deps)
    return { ...deps, containments: { ...containments, revise } }
  },
})

function emitOwed(row: Containment, { outcome, requestId, reason }: Announcement, { emit }: FunctionsDeps): void {
  const { action, detection, id, via = 'direct' } = row
  emit({
    ...{ evt: 'contain', outcome, action, detection, containment_id: id, via, request_id: requestId },
    ...(reason !== undefined && { reason }),
    level: outcome === 'refused' || outcome === 'fail' ? 'error' : 'info',
  })
}

function withoutEvent({ announce: _, ...row }: Containment): Containment {
  return row
}

/** Every one of these was in the code once, or would be easy to write. The simulation must find each. */
export const bugs: Readonly<Record<string, Bug>> = {
  /** A delivery is remembered before its work is done: the retry after a crash is taken for a duplicate. */
  'id-remembered-early': {
    async deliver(id, next, { replays, now, emit }) {
      if (await replays.accept(`webhook ${id}`, now() + DAY_MS)) return next()
      emit({
        evt: 'webhook',
        outcome: 'ignored',
        reason: 'duplicate',
        request_id: randomUUID(),
        ...addressFields(DATADOG),
      })
      return { kind: 'ignored', reason: 'duplicate', of: id }
    },
  },

  /** Nothing is written before the containment is carried out. */
  'claimed-after-acting': {
    functions(deps) {
      const { containments } = deps
      const unwritten = new Map<string, Containment>()
      return {
        ...deps,
        containments: {
          ...containments,
          async claim(row) {
            if (row.state !== 'pending') return containments.claim(row)
            if (await containments.find(row.detection, row.id)) return false
            unwritten.set(row.id, row)
            return true
          },
          find: async (detection, id) => unwritten.get(id) ?? containments.find(detection, id),
          async revise(detection, id, step) {
            const row = unwritten.get(id)
            if (!row) return containments.revise(detection, id, step)
            const after = step(row)
            if (!after) return undefined
            unwritten.set(id, after)
            if (after.state === 'pending') return after
            unwritten.delete(id)
            return (await containments.claim(after)) ? after : undefined
          },
        },
      }
    },
  },

  /** The cap is for the handler alone. */
  'cap-not-asked-by-the-sweeper': {
    functions: (deps, process) =>
      isSweeper(process) ? { ...deps, cap: { ...deps.cap, admit: async () => true } } : deps,
  },

  /** Each attempt at a user's sessions raises the epoch once more. */
  'epoch-raised-again': {
    functions: (deps) => ({
      ...deps,
      users: {
        ...deps.users,
        bumpEpoch: (id, { containmentId: _, ...why }, now) => deps.users.bumpEpoch(id, why, now),
      },
    }),
  },

  /** A retry ends whatever is open by then. */
  'no-cut-off': {
    functions: (deps) => ({
      ...deps,
      sessions: {
        ...deps.sessions,
        raiseEpoch: (id, { openedBefore: _, ...revocation }, until) => deps.sessions.raiseEpoch(id, revocation, until),
      },
    }),
  },

  /** The event goes out before the row says so. */
  'announced-before-written': revising(
    (revise, deps) => (detection, id, step) =>
      revise(detection, id, (row) => {
        const after = step(row)
        if (!after?.announce || row.announce) return after
        emitOwed(after, after.announce, deps)
        return withoutEvent(after)
      }),
  ),

  /** The row does not know that it owes an event: only the process that moved it on does. */
  'announced-from-memory': revising((revise, deps) => async (detection, id, step) => {
    let owed: Announcement | undefined
    const written = await revise(detection, id, (row) => {
      const after = step(row)
      owed = after?.announce
      return after && withoutEvent(after)
    })
    if (written && owed) emitOwed(written, owed, deps)
    return written
  }),

  /** An attempt writes its outcome although another one has begun, or ended, meanwhile. */
  'finished-without-fence': revising((revise) => {
    const held = new Map<string, Containment>()
    return async (detection, id, step) => {
      const own = held.get(id)
      const asIfHeld: Step = (row) =>
        step(row) ?? (own && step({ ...row, state: own.state, attempts: own.attempts, holder: own.holder }))
      const written = await revise(detection, id, asIfHeld)
      if (written?.state === 'pending' && written.holder !== undefined) held.set(id, written)
      return written
    }
  }),

  /** Whoever finds a session dead reports that there was nothing to do, also if this containment ended it. */
  'own-work-not-recognised': {
    functions: (deps) => ({ ...deps, sessions: blind(deps.sessions) }),
    web: (deps) => ({ ...deps, sessions: blind(deps.sessions) }),
  },

  /** What has waited for long is carried out all the same. */
  'age-ignored': {
    functions(deps) {
      const { containments } = deps
      const fresh = (row: Containment): Containment => ({ ...row, alertedAt: new Date(deps.now()) })
      return {
        ...deps,
        containments: {
          ...containments,
          async *openPages(now) {
            for await (const page of containments.openPages(now)) yield page.map(fresh)
          },
          revise: (detection, id, step) =>
            containments.revise(detection, id, (row) => {
              const after = step(fresh(row))
              return after && { ...after, alertedAt: row.alertedAt }
            }),
        },
      }
    },
  },

  /** A failure of Redis is taken for a session that is over. */
  'failure-taken-for-nothing': {
    functions: (deps) => ({
      ...deps,
      sessions: { ...deps.sessions, revoke: (...args) => deps.sessions.revoke(...args).catch(() => 'noop' as const) },
    }),
  },

  /** A row is written whatever it has become since it was read. */
  'written-without-condition': revising((revise, { containments }) => async (detection, id, step) => {
    const row = await containments.find(detection, id)
    const after = row && step(row)
    return after && revise(detection, id, () => after)
  }),

  /** Nobody looks whether the monitor, the rule or the pull has a row of the same attack. */
  'rows-of-others-ignored': {
    functions: (deps) => ({ ...deps, containments: { ...deps.containments, listOf: async () => [] } }),
  },

  /** The index row, by which the sweeper finds a row, is written after the row. */
  'indexed-after-the-row': { tables: (perform) => indexingLate(perform) },
}

function blind(sessions: LiveSessions): LiveSessions {
  return {
    ...sessions,
    async revoke(sid, ...how) {
      return (await sessions.tombstone(sid)) ? 'noop' : sessions.revoke(sid, ...how)
    },
  }
}

function indexingLate(perform: Perform): Perform {
  let late: [operation: string, run: () => unknown][] = []
  return async <T>(operation: string, run: () => T): Promise<T> => {
    if (operation === 'containmentindex.upsert') {
      late.push([operation, run])
      // Callers do not read what an upsert returns.
      return unchecked<T>(undefined)
    }
    const done = await perform(operation, run)
    if (operation === 'containments.create') {
      const waiting = late
      late = []
      for (const [name, write] of waiting) await perform(name, write)
    }
    return done
  }
}
