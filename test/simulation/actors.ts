import { contain } from '../../functions/contain/contain.ts'
import type { Patience } from '../../functions/contain/persistence.ts'
import { sweep } from '../../functions/sweep/sweep.ts'
import type { Client } from '../../shared/client/client.ts'
import { logout } from '../../shared/session/end.ts'
import { issueSession } from '../../shared/session/issue.ts'
import { presentSession } from '../../shared/session/present.ts'
import type { Process } from './scheduler.ts'
import { type AlertStory, bodyOf, type Delivery, type Person, type SessionStory, type Story, tokenOf } from './story.ts'
import type { FunctionsDeps, Host, World } from './world.ts'

/** Datadog gives up waiting for an answer then. */
const SENDER_MS = 15_000
/** How long the handler tries again by itself. */
const HANDLER_MS = 10_000
const SWEEP_MS = 60_000

/** Sets everything going that the story tells; nothing happens before the scheduler runs. */
export function begin(story: Story, world: World): void {
  const { scheduler, chance, faults } = world
  const at = (time: number, run: () => void) => scheduler.after(time - scheduler.now, run)
  for (const alert of story.alerts) {
    for (const delivery of alert.deliveries) {
      if (delivery.tries > 0) at(delivery.at, () => send(alert, delivery, 1, world))
      for (let copy = 0; copy < delivery.copies && delivery.tries > 0; copy++) {
        at(delivery.at + chance.pick([0, 5, 400, 9_000, 70_000]), () => send(alert, delivery, delivery.tries, world))
      }
    }
  }
  for (const host of world.sweepers) at(scheduler.now + chance.below(SWEEP_MS), () => keepSweeping(host, world))
  for (const host of world.hosts) host.setClock(chance.between(-faults.skewMs, faults.skewMs))
  world.calls.trace(`clocks: ${world.hosts.map(({ name, skewMs }) => `${name} ${skewMs} ms`).join(', ')}`)
  if (faults.wrongClockMs !== 0) {
    const host = chance.pick(world.hosts)
    const { skewMs } = host
    host.setClock(faults.wrongClockMs)
    world.calls.trace(`the clock of ${host.name} is wrong by ${faults.wrongClockMs} ms`)
    at(faults.end, () => host.setClock(skewMs))
  }
  for (const death of faults.deaths) at(death, () => chance.pick(world.hosts).process.kill())
  for (const person of story.people) {
    for (let n = chance.pick([0, 1, 2]); n > 0; n--) {
      at(scheduler.now + chance.below(faults.end - scheduler.now + 60_000), () => signIn(person, world))
    }
    for (const session of [...person.sessions]) {
      for (let n = chance.pick([0, 1, 2]); n > 0; n--) {
        at(scheduler.now + chance.below(faults.end - scheduler.now + 60_000), () => void present(session, world))
      }
    }
  }
  const leaving = story.alerts.find(({ kind }) => kind === 'revoke')
  if (leaving && chance.happens(0.1)) at(leaving.openFrom + chance.below(10_000), () => leave(leaving.session, world))
}

/** One try at a delivery, and the next one if it was not accepted. */
function send(alert: AlertStory, delivery: Delivery, attempt: number, world: World): void {
  const { scheduler, chance, calls } = world
  let isOver = false
  const answered = (kind: string) => {
    if (isOver) return
    isOver = true
    delivery.answers.push({ at: scheduler.now, kind })
    calls.trace(`delivery ${delivery.id} ${delivery.transition} try ${attempt}: ${kind}`)
    const isAccepted = kind !== 'error'
    if (isAccepted || attempt >= delivery.tries) return
    scheduler.after(1000 * 2 ** Math.min(attempt, 4), () => send(alert, delivery, attempt + 1, world))
  }
  const { process, deps } = chance.pick(world.functions)
  if (!process.isAlive) {
    answered('error')
    return
  }
  process.whenDead(() => answered('error'))
  scheduler.after(SENDER_MS, () => answered('error'))
  const request = { requestId: chance.uuid(), ip: '198.51.100.1' }
  scheduler.after(
    chance.below(5),
    () => {
      const body = bodyOf(alert, delivery)
      const handle = () => contain(body, request, deps, { patience: patienceOf(process, world) })
      const handled = world.bug.deliver?.(delivery.id, handle, deps) ?? handle()
      handled.then(
        ({ kind }) => answered(kind === 'unfinished' ? 'error' : kind),
        (error: unknown) => {
          calls.trace(`${process.name} 503: ${String(error)}`)
          answered('error')
        },
      )
    },
    process,
  )
}

/** As the handler has it, by the clock of the schedule. */
function patienceOf(process: Process, { scheduler }: World): Patience {
  const end = scheduler.now + HANDLER_MS
  return {
    leftMs: () => end - scheduler.now,
    wait: (ms) => new Promise((resolve) => scheduler.after(ms, resolve, process)),
  }
}

/** The timer: a sweep each minute, unless the one before is still under way. */
function keepSweeping(host: Host<FunctionsDeps>, world: World): void {
  const { scheduler, calls } = world
  scheduler.after(SWEEP_MS, () => keepSweeping(host, world))
  const { process, deps } = host
  if (!process.isAlive || underWay.has(process)) return
  scheduler.after(
    0,
    () => {
      underWay.add(process)
      sweep(deps)
        .catch((error: unknown) => calls.trace(`${process.name} sweep failed: ${String(error)}`))
        .finally(() => underWay.delete(process))
    },
    process,
  )
}
const underWay = new WeakSet<object>()

const clientOf = (network: string, via: Client['via'], requestId: string): Client => ({
  ...{
    ip: network,
    via,
    requestId,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  },
  hints: {},
})

/** The owner proves the password; what is checked with it is not part of this, only the epoch that goes with it. */
function signIn(person: Person, world: World): void {
  const { scheduler, chance, calls } = world
  const { process, deps } = chance.pick(world.functions)
  if (!process.isAlive) return
  const [openedFrom, skewBefore] = [scheduler.now, process.skewMs]
  const client = clientOf(person.network, 'web', chance.uuid())
  const open = async () => {
    const epoch = await deps.users.readEpoch(person.userId)
    if (epoch === undefined) return
    const who = { userId: person.userId, epoch, amr: ['pwd'] as const }
    const issued = await issueSession(who, { client, deviceHash: 'd'.repeat(32) }, deps)
    calls.trace(`${process.name} ${issued ? 'signs in' : 'refuses'} ${person.userId}`)
    if (!issued) return
    const token = tokenOf({ sid: issued.sid, userId: person.userId, at: JSON.parse(issued.token).auth_time * 1000 })
    const [{ sid }, openedAt] = [issued, scheduler.now]
    // The clock may have been set right meanwhile.
    const skewMs = Math.abs(skewBefore) > Math.abs(process.skewMs) ? skewBefore : process.skewMs
    person.sessions.push({ sid, userId: person.userId, token, openedFrom, openedAt, skewMs, met: [] })
  }
  scheduler.after(0, () => void open().catch(() => undefined), process)
}

/** A request with the session's cookie, as web judges it. */
export async function present(session: SessionStory, world: World): Promise<void> {
  const { scheduler, calls, web } = world
  const client = clientOf('192.0.2.7', 'web', world.chance.uuid())
  await new Promise<void>((resolve) => {
    scheduler.after(
      0,
      () => {
        presentSession(session.token, client, web.deps)
          .then(
            ({ kind }) => {
              calls.trace(`${session.sid} is presented: ${kind}`)
              session.met.push({ at: scheduler.now, kind })
            },
            () => undefined,
          )
          .finally(resolve)
      },
      web.process,
    )
  })
}

/** The owner signs out at web. */
function leave(session: SessionStory, world: World): void {
  const { web, scheduler } = world
  session.loggedOut = true
  const client = clientOf('203.0.113.200', 'web', world.chance.uuid())
  scheduler.after(
    0,
    () => void logout(session, { client, deviceHash: 'd'.repeat(32) }, web.deps).catch(() => undefined),
    web.process,
  )
}
