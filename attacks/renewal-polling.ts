import { setTimeout as delay } from 'node:timers/promises'
import type { AttackContext, ContainedAttack, TargetKind } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { type Client, type Session, sidOf, type Visit } from './kit/clients/client.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { CREDENTIAL_NAMES, openOnTwoDevices } from './kit/sessions.ts'
import { onceContained } from './kit/until-refused.ts'
import { twin } from './renewal-polling.twin.ts'

const POLL_INTERVAL_MS = 1_500
/** The pace of an owner who works without a pause. */
const CLICK_INTERVAL_MS = 4_000
/** Longer than two renewals with their grace by default. */
const CAUGHT_WITHIN_MS = 15 * 60_000

type Out = Extract<Visit, { kind: 'out' }>

export const renewalPolling: ContainedAttack = {
  slug: 'renewal-polling',
  title: 'Stolen session, renewed in a loop while its owner works',
  techniques: [
    { id: 'T1539', name: 'Steal Web Session Cookie' },
    { id: 'T1550.004', name: 'Use Alternate Authentication Material: Web Session Cookie' },
  ],
  targets: ['web', 'functions'],
  does: 'Copies a token with every header and renews it repeatedly (functions) or opens page after page (web), to always hold a current token as the owner does. Each renewal issues a different successor, and one browser never alternates between two of them. While the owner works, the copy is detected at the first renewal.',
  trips: 'session-fork',
  runbook: 'runbooks/ATO-010-session-fork.md',
  waitsForRenewal: true,
  twin,

  async attack({ kind }, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const { desk, laptop, stolen } = await openOnTwoDevices(victim, context)

    const source = { device: desk.device, address: await addresses.ordinary() }
    const thief = context.intruder(source)
    thief.hold(stolen)
    tell(
      'thief',
      `has the laptop's ${CREDENTIAL_NAMES[kind]} and all its headers: ${source.device.name} at ${source.address}`,
    )
    const over = new AbortController()
    const poll = POLLS[kind](thief, stolen)
    const work = async () => {
      await laptop.renew()
      return laptop.visit()
    }
    const [byThief, byOwner] = await Promise.all([
      untilOut(poll, POLL_INTERVAL_MS, over, context),
      untilOut(work, CLICK_INTERVAL_MS, over, context),
    ])
    const first = [byThief, byOwner].flatMap((out) => out ?? []).sort((one, other) => one.sentAt - other.sentAt)[0]
    if (!first) throw new RequestFailed(`a copy was renewed undetected for ${CAUGHT_WITHIN_MS / 60_000} minutes`)
    const group = { '@sid': stolen.sid }
    const crossing = context.crossing(group, 'the first use that was refused', first.sentAt)
    const last = await thief.visit()
    if (last.kind === 'in') return { group, crossedAt: crossing.at, refusedAt: undefined, lost: [stolen.sid] }
    const refusedAt = byThief?.answeredAt ?? (await onceContained(last, crossing))
    tell('thief', `is out with each of the copied tokens: ${last.status}`, refusedAt)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt, lost: [stolen.sid] }
  },
}

/** @returns the first refusal; undefined if the other client met it first */
async function untilOut(
  act: () => Promise<Visit | undefined>,
  everyMs: number,
  over: AbortController,
  { signal }: AttackContext,
): Promise<Out | undefined> {
  const until = Date.now() + CAUGHT_WITHIN_MS
  const either = AbortSignal.any([signal, over.signal])
  while (!over.signal.aborted && Date.now() < until) {
    const sentAt = Date.now()
    const visit = await act()
    if (visit?.kind === 'out') {
      over.abort()
      // An act is more than one request, and the alert may follow from its first.
      return { ...visit, sentAt }
    }
    await delay(everyMs, undefined, { signal: either }).catch(() => {})
    signal.throwIfAborted()
  }
  return undefined
}

/** What the thief does each time. @returns undefined if no session was presented */
const POLLS: Record<TargetKind, (thief: Client, stolen: Session) => () => Promise<Visit | undefined>> = {
  web: (thief) => () => thief.visit(),
  functions: (thief, stolen) => {
    let held = stolen
    let offered: Session | undefined
    return async () => {
      const authorization = `Bearer ${held.secret}`
      const { status, body, sentAt, answeredAt } = await thief.send({
        method: 'POST',
        path: '/api/auth/session/renew',
        headers: { authorization },
      })
      if (status === 401) return { kind: 'out', status, words: '', sentAt, answeredAt }
      if (status === 200) offered = sessionIn(body)
      if (!body.includes('"renewal-stale"')) return undefined
      // The owner already uses a successor, so the thief takes the one that was issued to him.
      if (!offered) return thief.visit()
      held = offered
      offered = undefined
      thief.hold(held)
      return undefined
    }
  },
}

function sessionIn(body: string): Session {
  const { token }: { token: string } = JSON.parse(body)
  return { sid: sidOf(token), secret: token }
}
