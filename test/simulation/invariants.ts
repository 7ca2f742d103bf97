import { BLOCK_MS, STALE_MS } from '../../shared/containment/policy.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { type AlertStory, isAbout, type SessionStory, type Story } from './story.ts'
import type { Emitted, World } from './world.ts'

/** A delivery is owed an event if it was answered; one that found no process, or one that died, is not. */
const FINAL: readonly Containment['state'][] = ['done', 'held', 'failed', 'closed', 'undone']

/** From the time that a row bears as its own to its being written. */
const CLAIMING_MS = 5_000
/** How long the attempt may take that began in time, with what announces it after a crash. */
const LATE_MS = 180_000

type ContainEvent = Extract<Emitted, { evt: 'contain' }>

/**
 * What must hold once nothing has gone wrong for two sweeps.
 * @returns a sentence for everything that does not
 */
export async function findViolations(story: Story, world: World): Promise<string[]> {
  const { stores, events } = world
  const rows = await stores.containments.list({})
  const found: string[] = []
  const fail = (sentence: string) => found.push(sentence)
  const announced = events.filter((event): event is ContainEvent => event.evt === 'contain')

  for (const alert of story.alerts) {
    if (rows.some((row) => isAbout(row, alert))) continue
    if (isOwedRow(alert, world)) fail(`alert ${alert.alertId} (${alert.kind}) has no row`)
  }
  for (const row of rows) {
    checkRow(row, announced, fail)
    checkAnnouncements(row, announced, world, fail)
    if (!world.openAlerts) checkAge(row, announced, { story, world }, fail)
    if (row.state === 'done') await checkEffect(row, rows, story, world, fail)
  }
  for (const person of story.people) {
    for (const session of person.sessions) await checkSession(session, rows, world, fail)
  }
  checkShared(rows, story, world, fail)
  checkCap(rows, world, fail)
  await checkEpochs(rows, story, world, fail)
  checkWebhooks(story, world, fail)
  return found
}

/** Whether a delivery of this alert was answered, or functions could ask for open alerts. */
function isOwedRow({ deliveries, recoversAt }: AlertStory, { openAlerts }: World): boolean {
  if (openAlerts && recoversAt === undefined) return true
  return deliveries.some(
    ({ transition, answers }) => transition !== 'Recovered' && answers.some(({ kind }) => kind !== 'error'),
  )
}

function checkRow(row: Containment, announced: readonly ContainEvent[], fail: (s: string) => void): void {
  const name = `row ${row.id.slice(0, 6)} (${row.action})`
  if (!FINAL.includes(row.state)) fail(`${name} is still ${row.state}`)
  if (row.announce) fail(`${name} still owes an event`)
  if (row.state !== 'held' && row.state !== 'failed') return
  const page = announced.find(({ containment_id, level }) => containment_id === row.id && level === 'error')
  if (!page) fail(`${name} is ${row.state} (${row.reason}) and nobody was paged`)
}

function checkAnnouncements(
  row: Containment,
  announced: readonly ContainEvent[],
  world: World,
  fail: (s: string) => void,
): void {
  const name = `row ${row.id.slice(0, 6)} (${row.action}, ${row.state}, ${row.result ?? row.reason})`
  const own = announced.filter(({ containment_id }) => containment_id === row.id)
  // One event may be emitted twice, under one request id: it is of the time when it was first said.
  const keyOf = ({ outcome, reason, request_id }: ContainEvent) => `${outcome} ${reason} ${request_id}`
  const last = own.filter((event, at) => own.findIndex((other) => keyOf(other) === keyOf(event)) === at).at(-1)
  const closedUndone = row.state === 'closed' && row.result === undefined
  if (!last) {
    if (!closedUndone) fail(`${name} was never announced`)
    return
  }
  const isOneClock = world.faults.wrongClockMs === 0
  const counted = isOneClock ? [last] : own
  if (row.state === 'done' && !counted.some(({ outcome }) => outcome === row.result)) {
    fail(`${name} was announced as ${last.outcome} at last`)
  }
  const distinct = new Set(own.map(keyOf))
  const outcomes = new Set(own.map(({ outcome, reason }) => `${outcome} ${reason}`))
  // A reminder lets a row go that was held for its age, and it may be held for that once more.
  if (isOneClock && !row.renewedAt && distinct.size > outcomes.size)
    fail(`${name} was announced twice, as two things: ${[...distinct].join(', ')}`)
  const undisturbed = isOneClock && !world.faults.mayCrash && !world.faults.touches('tables')
  if (undisturbed && own.length > distinct.size) fail(`${name} was announced ${own.length} times`)
  if (own.some(({ outcome }) => outcome === 'success') && own.some(({ outcome }) => outcome === 'noop')) {
    fail(`${name} was announced as success and as noop`)
  }
}

/** What is older than an alert may be is not carried out, unless a reminder said that it lasts. */
function checkAge(
  row: Containment,
  announced: readonly ContainEvent[],
  { story, world }: { story: Story; world: World },
  fail: (s: string) => void,
): void {
  const reminders = story.alerts
    .filter((alert) => isAbout(row, alert))
    .flatMap(({ deliveries }) =>
      deliveries.filter(({ transition }) => transition === 'Re-Triggered' || transition === 'Signal'),
    )
  const done = announced.find(({ containment_id, outcome }) => containment_id === row.id && outcome === 'success')
  if (!done || reminders.length > 0) return
  const ageMs = done.at - row.alertedAt.getTime()
  // A host whose clock is behind takes an alert for younger by as much.
  const behindMs = Math.max(0, -world.faults.wrongClockMs)
  // An attempt that began in time may end, and be announced, a little later.
  if (ageMs > STALE_MS + LATE_MS + behindMs)
    fail(`row ${row.id.slice(0, 6)} (${row.action}) was carried out ${ageMs} ms after its alert`)
}

async function checkEffect(
  row: Containment,
  rows: readonly Containment[],
  story: Story,
  world: World,
  fail: (s: string) => void,
): Promise<void> {
  const { stores, scheduler } = world
  const name = `row ${row.id.slice(0, 6)} (${row.action}) is done`
  const sessions = story.people.flatMap((person) => person.sessions)
  for (const session of sessions) {
    if (isMeant(row, session, world) && session.met.at(-1)?.kind === 'accepted') {
      fail(`${name}, and session ${session.sid} lives`)
    }
  }
  checkResult(row, sessions, rows, world, fail)
  if (row.action !== 'block_ip') return
  // Dates of alerts are true; a clock of ours that is behind may end the block sooner.
  const until = row.alertedAt.getTime() + BLOCK_MS
  const network = row.scope.slice('@network:'.length)
  const block = await stores.blocks.blockedBy(network, scheduler.now)
  if (row.expiresAt === undefined) fail(`${name}, and its block has no end`)
  if (row.renewedAt === undefined && row.expiresAt && row.expiresAt.getTime() > until + 1) {
    fail(`${name}, and its block outlasts the alert by more than a quarter of an hour`)
  }
  if (row.expiresAt && row.expiresAt.getTime() > scheduler.now && !block) fail(`${name}, and ${network} is not blocked`)
}

/** `noop` only where somebody else had ended it before. */
function checkResult(
  row: Containment,
  sessions: readonly SessionStory[],
  rows: readonly Containment[],
  world: World,
  fail: (s: string) => void,
): void {
  const meant = sessions.filter((session) => isMeant(row, session, world))
  if (row.result !== 'noop') return
  const others = ({ sid, userId }: SessionStory) =>
    rows.some(({ id, scope }) => id !== row.id && (scope === `@sid:${sid}` || scope === `@usr.id:${userId}`))
  const own = meant.filter((session) => !session.loggedOut && !others(session))
  if (own.length > 0) fail(`row ${row.id.slice(0, 6)} (${row.action}) is a noop, and nobody else ended ${own[0]?.sid}`)
}

/** A host whose clock was wrong opens sessions of another time. */
const isOfItsTime = ({ skewMs }: SessionStory, { faults }: World): boolean => Math.abs(skewMs) <= faults.skewMs

/** When a row was claimed, by the true clock. */
const cutOffOf = ({ id, createdAt }: Containment, { claimedAt }: World): number =>
  claimedAt.get(`${id} ${createdAt.getTime()}`) ?? 0
/** By how much two clocks may put the same instant apart. */
const slackOf = ({ faults }: World): number => 2 * faults.skewMs

/** Whether a session was there when this row was made; of one that was being opened then nobody can say. */
function isMeant(row: Containment, session: SessionStory, world: World): boolean {
  const [{ action, scope }, { sid, userId, openedAt }] = [row, session]
  if (action === 'revoke') return scope === `@sid:${sid}`
  if (!isOfItsTime(session, world)) return false
  const claimedAt = cutOffOf(row, world)
  // Of an alert that came late to a clock that is behind nothing tells of what time it is.
  if (world.faults.wrongClockMs !== 0 && claimedAt - row.alertedAt.getTime() > 60_000) return false
  const isOlder = openedAt < claimedAt - CLAIMING_MS - slackOf(world)
  return action === 'revoke_user' && scope === `@usr.id:${userId}` && isOlder
}

async function checkSession(
  session: SessionStory,
  rows: readonly Containment[],
  world: World,
  fail: (s: string) => void,
): Promise<void> {
  const { stores } = world
  const { sid, userId, met, openedFrom, openedAt } = session
  const [kind, row] = [met.at(-1)?.kind, await stores.ledger.find(userId, sid)]
  const tombstone = await stores.sessions.tombstone(sid)
  const name = `session ${sid}`
  const reasons = rows.filter(
    (row) =>
      (row.action === 'revoke' && row.scope === `@sid:${sid}`) ||
      (row.action === 'revoke_user' &&
        row.scope === `@usr.id:${userId}` &&
        openedFrom <= cutOffOf(row, world) + slackOf(world)) ||
      // Two rows of one user whose clocks disagree: the later cut-off of them cannot be told from outside.
      (world.faults.wrongClockMs !== 0 && row.scope === `@usr.id:${userId}` && row.renewedAt !== undefined),
  )
  // A session that is opened while a row is made may be of the time before or after it.
  const acted = reasons.filter(({ state, attempts }) => state === 'done' || attempts > 0)
  if (kind !== 'accepted' && acted.length === 0 && !session.loggedOut && isOfItsTime(session, world)) {
    fail(`${name} is ${kind}, and no containment was meant for it (opened ${openedFrom}..${openedAt})`)
  }
  if (kind === 'accepted' && row?.state !== 'active')
    fail(`${name} is accepted, and the ledger has it as ${row?.state}`)
  if (kind === 'revoked' && row?.state === 'active') fail(`${name} is revoked, and the ledger has it as active`)
  if (tombstone && row?.state === 'active') fail(`${name} has a tombstone, and the ledger has it as active`)
  const firstDead = met.findIndex((one) => one.kind === 'revoked')
  if (firstDead >= 0 && met.slice(firstDead).some((one) => one.kind === 'accepted')) fail(`${name} came back to life`)
}

/** What the monitor, its rule and the pull report of one attack is carried out once. */
function checkShared(
  rows: readonly Containment[],
  { alerts }: Story,
  { faults }: World,
  fail: (s: string) => void,
): void {
  // What comes after a recovery is of another attack. By a wrong clock a delivery may be of another time.
  if (faults.wrongClockMs !== 0) return
  for (const alert of alerts) {
    const same = alerts.filter(({ detection, scope }) => detection === alert.detection && scope === alert.scope)
    if (same.some(({ recoversAt }) => recoversAt !== undefined)) continue
    const isLate = ({ result, reason }: Containment) => result === 'noop' && reason === 'expired'
    const carriedOut = rows.filter((row) => isAbout(row, alert) && row.result !== undefined && !isLate(row))
    if (carriedOut.length > same.length) {
      fail(
        `${same.length} alerts of ${alert.detection} about ${alert.scope} were carried out ${carriedOut.length} times`,
      )
    }
  }
}

/** One revocation of a user's sessions raises the epoch once, however often it is carried out. */
async function checkEpochs(
  rows: readonly Containment[],
  { people }: Story,
  { stores }: World,
  fail: (s: string) => void,
): Promise<void> {
  for (const { userId } of people) {
    const own = rows.filter(({ action, scope }) => action === 'revoke_user' && scope === `@usr.id:${userId}`)
    const epoch = (await stores.users.readEpoch(userId)) ?? 0
    if (epoch > 1 + own.length) fail(`user ${userId} has epoch ${epoch} after ${own.length} revocations`)
  }
}

function checkCap(rows: readonly Containment[], { capLimit, faults }: World, fail: (s: string) => void): void {
  // The window of the cap is one of time.
  if (faults.wrongClockMs !== 0) return
  const subjectOf = ({ scope, userId }: Containment) => userId ?? scope
  for (const detection of new Set(rows.map((row) => row.detection))) {
    const own = rows.filter((row) => row.detection === detection)
    const acted = new Set(own.filter(({ state }) => state === 'done').map(subjectOf))
    if (acted.size > capLimit) fail(`${detection} contained ${acted.size} subjects; the cap is ${capLimit}`)
    const asked = new Set(own.map(subjectOf))
    const held = own.some(({ state, reason }) => state === 'held' && reason === 'cap')
    if (held && asked.size <= capLimit)
      fail(`${detection} is held by the cap with ${asked.size} of ${capLimit} subjects`)
  }
}

function checkWebhooks(story: Story, { events }: World, fail: (s: string) => void): void {
  const webhooks = events.filter((event) => event.evt === 'webhook')
  const accepted = story.alerts
    .flatMap(({ deliveries }) => deliveries)
    .flatMap(({ answers }) => answers.filter(({ kind }) => kind !== 'error'))
  if (webhooks.length < accepted.length)
    fail(`${accepted.length} deliveries were answered, ${webhooks.length} announced`)
  const requests = new Set(webhooks.map(({ request_id }) => request_id))
  if (requests.size < webhooks.length) fail('a delivery was announced twice')
}
