import { describe, expect, it } from 'vitest'
import { blockable } from '../../shared/containment/policy.ts'
import type { Containment, ContainmentState } from '../../shared/stores/port.ts'
import * as row from './row.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const later = (ms: number) => new Date(NOW.getTime() + ms)
const minutes = (count: number) => later(count * 60_000)
const SID = `@sid:${'S'.repeat(22)}`
const NETWORK = '@network:203.0.113.9'

const pending = (change: Partial<Containment> = {}): Containment => ({
  id: 'c-1',
  detection: 'session-reuse',
  cycle: 'k',
  scope: SID,
  action: 'revoke',
  state: 'pending',
  alertId: '7',
  alertedAt: NOW,
  createdAt: NOW,
  updatedAt: NOW,
  attempts: 0,
  nextAt: NOW,
  ...change,
})
const block = (change: Partial<Containment> = {}) =>
  pending({ detection: 'credential-stuffing', scope: NETWORK, action: 'block_ip', ...change })
const notice = (change: Partial<Containment> = {}) =>
  pending({ detection: 'telemetry-silence', scope: '*', action: 'notify', ...change })
const by = (now: Date, change: Partial<row.Judgement> = {}): row.Judgement => ({
  requestId: 'r-1',
  now,
  mayBlock: blockable([]),
  observes: () => false,
  admitted: true,
  ...change,
})
/** The row that a change makes of another. @throws if it changes nothing */
const changed = (to: Containment | undefined): Containment => {
  if (!to) throw new Error('The row was left as it is.')
  return to
}
const moved = (given: Containment, judgement = by(NOW)) => {
  const step = row.judge(given, judgement)
  return step.kind === 'move' ? step.to : step.kind
}
const begun = (given: Containment, judgement = by(NOW)) => {
  const step = row.judge(given, judgement)
  if (step.kind !== 'attempt') throw new Error(step.kind)
  return step.as
}

describe('an attempt', () => {
  it('begins once it is due, takes the next number, and is its holder’s for twenty seconds', () => {
    const given = pending({ nextAt: later(1) })
    expect(moved(given)).toBe('rest')
    const held = begun(given, by(later(1)))
    expect(held).toMatchObject({ attempts: 1, holder: 'r-1', admitted: true, nextAt: later(20_001) })
    expect(moved(held, by(later(20_000), { requestId: 'r-2', eager: true }))).toBe('rest')
    expect(begun(held, by(later(20_001), { requestId: 'r-2' }))).toMatchObject({ attempts: 2, holder: 'r-2' })
  })

  it('continues for its holder, until its time is over', () => {
    const held = begun(pending())
    expect(begun(held, by(later(19_999)))).toEqual(held)
    expect(moved(held, by(later(20_000)))).toBe('rest')
  })

  it('does not wait for its time if it is requested', () => {
    const given = pending({ nextAt: later(1), attempts: 1 })
    expect(begun(given, by(NOW, { eager: true })).attempts).toBe(2)
  })

  it('does not wait for a time that only a fast clock can have written', () => {
    expect(moved(pending({ nextAt: later(30_000) }))).toBe('rest')
    expect(begun(pending({ nextAt: later(30_001) })).attempts).toBe(1)
  })

  it('asks the cap once, and is held if that refuses', () => {
    expect(moved(pending(), by(NOW, { admitted: undefined }))).toBe('ask')
    expect(begun(pending({ admitted: true }), by(NOW, { admitted: undefined })).attempts).toBe(1)
    const announce = { outcome: 'refused', reason: 'cap', requestId: 'r-1' }
    expect(moved(pending(), by(NOW, { admitted: false }))).toMatchObject({ state: 'held', reason: 'cap', announce })
  })

  const done: row.Outcome = { kind: 'done', result: 'success', via: 'direct' }
  it('ends once, by its own number alone', () => {
    const held = begun(pending())
    const end = row.finish(held, done, by(later(5)))
    const announce = { outcome: 'success', requestId: 'r-1' }
    expect(end(held)).toMatchObject({ state: 'done', result: 'success', via: 'direct', announce })
    expect(end({ ...held, attempts: 2 })).toBeUndefined()
    expect(end({ ...held, holder: 'r-2' })).toBeUndefined()
    for (const state of ['done', 'held', 'failed', 'undone', 'closed'] as const) {
      expect(end({ ...held, state })).toBeUndefined()
    }
  })

  it('fails for good if the subject is gone', () => {
    const held = begun(pending())
    const failed = row.finish(held, { kind: 'gone' }, by(NOW))(held)
    const announce = { outcome: 'fail', reason: 'subject_gone' }
    expect(failed).toMatchObject({ state: 'failed', reason: 'subject_gone', announce })
  })

  it.each([
    [1, 0, 2_500],
    [1, 1, 5_000],
    [2, 1, 10_000],
    [3, 1, 20_000],
    [4, 1, 20_000],
    [40, 1, 20_000],
    [40, 0, 10_000],
  ])('that failed, the %i. one, waits for the next (jitter %d) for %i ms', (attempts, jitter, ms) => {
    const held = { ...begun(pending()), attempts }
    const postponed = row.postpone(held, later(100), jitter)(held)
    expect(postponed?.nextAt).toEqual(later(100 + ms))
    expect(postponed).toMatchObject({ state: 'pending', attempts, holder: undefined })
    expect(row.postpone(held, NOW, jitter)({ ...held, attempts: attempts + 1 })).toBeUndefined()
  })
})

describe('a pending row', () => {
  it.each([
    ['policy_gone', { detection: 'of-last-year' }],
    ['policy_gone', { detection: 'constructor' }],
    ['policy_changed', { action: 'revoke_user' as const }],
    ['policy_changed', { scope: NETWORK }],
    ['policy_changed', { scope: '*' }],
  ])('fails at once, with %s, if it can never be carried out: %j', (reason, change) => {
    const failed = moved(pending(change), by(NOW, { admitted: undefined }))
    expect(failed).toMatchObject({ state: 'failed', reason, announce: { outcome: 'fail', reason } })
  })

  it('is held once its alert is older than fifteen minutes, or dated in the future', () => {
    const given = pending({ nextAt: minutes(-60) })
    for (const now of [minutes(15), minutes(-15)]) expect(begun(given, by(now)).attempts).toBe(1)
    for (const now of [later(900_001), later(-900_001)]) {
      const announce = { outcome: 'refused', reason: 'stale' }
      expect(moved(given, by(now))).toMatchObject({ state: 'held', reason: 'stale', announce })
    }
  })

  it('is as young as its last reminder', () => {
    const reminded = changed(row.remind(minutes(10), minutes(10))(pending()))
    expect(reminded).toMatchObject({ state: 'pending', alertedAt: NOW, renewedAt: minutes(10) })
    expect(begun(reminded, by(minutes(24))).attempts).toBe(1)
  })

  it('of an address that is never blocked is held', () => {
    const given = block({ scope: '@network:10.1.2.3' })
    expect(moved(given)).toMatchObject({ state: 'held', reason: 'policy' })
    expect(moved(block({ approved: true, admitted: true, scope: '@network:10.1.2.3' }))).toMatchObject({
      state: 'held',
    })
  })

  it('whose alert recovered ends no session any more: a person decides', () => {
    const recovered = changed(row.recover(later(5))(pending()))
    expect(recovered).toMatchObject({ state: 'pending', recovered: true })
    const announce = { outcome: 'refused', reason: 'recovered' }
    expect(moved(recovered, by(later(5)))).toMatchObject({ state: 'held', reason: 'recovered', announce })
    expect(begun({ ...recovered, approved: true }, by(later(5))).attempts).toBe(1)
  })

  it.each([block(), notice()])('whose alert recovered is closed if it is harmless', (given) => {
    const recovered = changed(row.recover(later(5))(given))
    const closed = moved(recovered, by(later(5)))
    expect(closed).toMatchObject({ state: 'closed', reason: 'recovered' })
    expect(closed).not.toHaveProperty('announce')
  })

  it('whose alert recovers while it is carried out is carried out, and closed', () => {
    const held = begun(pending())
    const recovered = changed(row.recover(later(5))(held))
    const end = row.finish(held, { kind: 'done', result: 'success', via: 'web' }, by(later(9)))(recovered)
    expect(end).toMatchObject({ state: 'closed', reason: 'recovered', result: 'success' })
    expect(end?.announce).toMatchObject({ outcome: 'success' })
  })
})

describe('a block', () => {
  it('counts from the alert, or from when it reached us if that was sooner', () => {
    expect(row.blockEnd(block({ createdAt: minutes(4) }))).toEqual(minutes(15))
    expect(row.blockEnd(block({ createdAt: minutes(-4) }))).toEqual(minutes(11))
    expect(row.blockEnd(block({ renewedAt: minutes(10) }))).toEqual(minutes(25))
  })

  it('that would be over is not made, and this is logged', () => {
    expect(begun(block(), by(later(899_999))).attempts).toBe(1)
    const announce = { outcome: 'noop', reason: 'expired' }
    expect(moved(block(), by(minutes(15)))).toMatchObject({ state: 'closed', reason: 'expired', announce })
  })

  it('is maintained until its very end, and closes then', () => {
    const done = block({ state: 'done', expiresAt: minutes(15) })
    expect(moved(done, by(later(899_999)))).toBe('keep')
    expect(moved(done, by(minutes(15)))).toMatchObject({ state: 'closed', reason: 'expired' })
  })

  const done = block({ state: 'done', expiresAt: minutes(15) })
  it('is renewed by a reminder, from its own date and no later than now', () => {
    expect(row.remind(minutes(10), minutes(11))(done)).toMatchObject({ state: 'done', expiresAt: minutes(25) })
    expect(row.remind(minutes(12), minutes(11))(done)).toMatchObject({ expiresAt: minutes(26) })
    const expired = { ...done, state: 'closed', reason: 'expired' } as const
    expect(row.remind(minutes(20), minutes(20))(expired)).toMatchObject({ state: 'done', expiresAt: minutes(35) })
  })

  it('is not renewed by an older reminder, nor after it was undone, held or had recovered', () => {
    expect(row.remind(minutes(-1), minutes(1))(done)).toBeUndefined()
    const renewed = changed(row.remind(minutes(10), minutes(10))(done))
    expect(row.remind(minutes(10), minutes(12))(renewed)).toBeUndefined()
    const states: [ContainmentState, Containment['reason']?][] = [
      ['held', 'cap'],
      ['held', 'policy'],
      ['failed', 'policy_gone'],
      ['closed', 'recovered'],
    ]
    for (const [state, reason] of states) {
      expect(row.remind(minutes(10), minutes(10))({ ...done, state, reason })).toBeUndefined()
    }
    const undone = { ...done, state: 'undone' } as const
    expect(row.remind(minutes(10), minutes(10))(undone)).toEqual({ ...undone, renewedAt: minutes(10) })
  })
})

describe('a row that is held for its age', () => {
  const held = pending({ state: 'held', reason: 'stale' })
  it('continues once the clock is right', () => {
    expect(moved(held, by(later(900_001)))).toBe('rest')
    expect(begun(held, by(minutes(3)))).toMatchObject({ state: 'pending', attempts: 1 })
  })

  it.each([20, -20])(
    'counts from its alert then: by a clock that was %i minutes wrong nothing has its time',
    (wrong) => {
      const given = block({ state: 'held', reason: 'stale', createdAt: minutes(wrong) })
      expect(row.blockEnd(given)).toEqual(minutes(15))
      expect(begun(given, by(minutes(3))).attempts).toBe(1)
    },
  )

  it('is released when a reminder comes', () => {
    const told = changed(row.remind(minutes(20), minutes(20))(held))
    expect(begun(told, by(minutes(20))).attempts).toBe(1)
  })
})

describe('a pending event', () => {
  const owed = { outcome: 'success', requestId: 'r-1' } as const
  const done = pending({ state: 'done', announce: owed, nextAt: later(20_000) })
  it('is emitted by its own call at once, and by another one after twenty seconds', () => {
    expect(moved(done)).toBe('announce')
    expect(moved(done, by(later(19_999), { requestId: 'r-2' }))).toBe('rest')
    expect(moved(done, by(later(20_000), { requestId: 'r-2' }))).toBe('announce')
  })

  it('is removed from the row once, without any other event', () => {
    expect(row.announced(owed)(done)).not.toHaveProperty('announce')
    expect(row.announced(owed)({ ...done, announce: { ...owed, requestId: 'r-2' } })).toBeUndefined()
    expect(row.announced(owed)({ ...done, announce: { ...owed, outcome: 'undone' } })).toBeUndefined()
    expect(row.announced(owed)(pending())).toBeUndefined()
  })

  it('is not lost to an operator, a recovery or a reminder', () => {
    expect(row.approve(NOW, {})({ ...done, state: 'held' })).toBeUndefined()
    expect(row.undo(by(NOW), {})(done)).toBeUndefined()
    expect(row.recover(NOW)(done)).toMatchObject({ state: 'closed', announce: owed })
    const renewed = row.remind(minutes(10), minutes(10))({ ...block(), state: 'done', announce: owed })
    expect(renewed).toMatchObject({ announce: owed })
  })
})

describe('an operator', () => {
  const decision = { operator: 'ann', why: 'the owner called' }
  it.each<[ContainmentState, Containment['reason']]>([
    ['held', 'cap'],
    ['held', 'stale'],
    ['held', 'recovered'],
    ['failed', 'policy_gone'],
    ['pending', undefined],
  ])('approves what is %s (%s), whatever its age', (state, reason) => {
    const given = pending({ state, reason, recovered: reason === 'recovered', alertedAt: minutes(-90) })
    const approved = changed(row.approve(NOW, decision)(given))
    expect(approved).toMatchObject({ state: 'pending', ...decision })
    expect(begun(approved, by(NOW, { admitted: undefined })).attempts).toBe(1)
  })

  it('has a block begin when he approves it', () => {
    const given = block({ state: 'held', reason: 'cap', alertedAt: minutes(-90), createdAt: minutes(-90) })
    expect(row.blockEnd(changed(row.approve(NOW, {})(given)))).toEqual(minutes(15))
  })

  it('does not end an attempt that is under way by approving it', () => {
    const held = begun(pending())
    const approved = changed(row.approve(later(5), decision)(held))
    expect(approved).toMatchObject({ holder: 'r-1', attempts: 1, nextAt: held.nextAt })
    const end = row.finish(held, { kind: 'done', result: 'success', via: 'web' }, by(later(9)))(approved)
    expect(end).toMatchObject({ state: 'done', operator: 'ann' })
  })

  it('undoes any row once, and the outcome of an attempt under way is not written', () => {
    const held = begun(pending())
    const undone = changed(row.undo(by(NOW), decision)(held))
    expect(undone).toMatchObject({ state: 'undone', announce: { outcome: 'undone' }, ...decision })
    expect(row.finish(held, { kind: 'done', result: 'success', via: 'web' }, by(NOW))(undone)).toBeUndefined()
    expect(row.postpone(held, NOW, 0)(undone)).toBeUndefined()
    expect(row.undo(by(NOW), {})({ ...undone, announce: undefined })).toBeUndefined()
    for (const given of ['done', 'held', 'failed', 'closed'] as const) {
      expect(row.undo(by(NOW), {})(pending({ state: given }))).toMatchObject({ state: 'undone' })
    }
  })
})

describe('the cut-off of a user’s sessions', () => {
  it.each<[string, Partial<Containment>, Date]>([
    ['is when the alert reached us', { alertedAt: minutes(-14) }, NOW],
    [
      'is the alert’s own time where that is later, because our clock was behind',
      { alertedAt: minutes(20) },
      minutes(20),
    ],
    [
      'is the alert’s own time where ours was ahead until the row was let go',
      { alertedAt: minutes(-20) },
      minutes(-20),
    ],
    ['is ours where an operator let an old alert go', { alertedAt: minutes(-20), approved: true }, NOW],
    ['is ours where a reminder did', { alertedAt: minutes(-20), renewedAt: NOW }, NOW],
    ['is ours where a reminder did by a clock just behind', { alertedAt: minutes(-20), renewedAt: minutes(-1) }, NOW],
    [
      'is the alert’s own time where two clocks that are right cannot be so far apart',
      { alertedAt: minutes(-20), renewedAt: later(-60_001) },
      minutes(-20),
    ],
    [
      'is the alert’s own time where a reminder shows that ours was ahead',
      { alertedAt: minutes(-20), renewedAt: minutes(-19) },
      minutes(-20),
    ],
    ['is ours of an alert that was asked for', { alertedAt: minutes(-20), cycle: 'pull-1772366400' }, NOW],
  ])('%s', (_, change, expected) => {
    expect(row.cutOff(pending(change))).toEqual(expected)
  })
})
