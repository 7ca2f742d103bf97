import { BLOCK_MS } from '../../shared/containment/policy.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { type AlertStory, isAbout, type SessionStory, type Story } from './story.ts'
import type { Emitted, World } from './world.ts'

/** A delivery is owed an event if it was answered; one that found no process, or one that died, is not. */
const FINAL: readonly Containment['state'][] = ['done', 'held', 'failed', 'closed', 'undone']

type ContainEvent = Extract<Emitted, { evt: 'contain' }>

/**
 * What must hold once nothing has gone wrong for two sweeps.
 * @returns a sentence for everything that does not
 */
export async function findViolations(story: Story, world: World): Promise<string[]> {
  const { stores, events, scheduler } = world
  const rows = await stores.containments.list({})
  const found: string[] = []
  const fail = (sentence: string) => found.push(sentence)
  const announced = events.filter((event): event is ContainEvent => event.evt === 'contain')

  for (const alert of story.alerts) {
    if (rows.some((row) => isAbout(row, alert))) continue
    if (isOwedRow(alert, scheduler.now)) fail(`alert ${alert.alertId} (${alert.kind}) has no row`)
  }
  for (const row of rows) {
    checkRow(row, announced, world, fail)
    checkAnnouncements(row, announced, world, fail)
    if (row.state === 'done') await checkEffect(row, story, world, fail)
  }
  for (const person of story.people) {
    for (const session of person.sessions) await checkSession(session, rows, world, fail)
  }
  checkCap(rows, story, world, fail)
  checkWebhooks(story, world, fail)
  return found
}

/** Whether somebody told us of this alert, and was told that we know. */
function isOwedRow({ deliveries }: AlertStory, _now: number): boolean {
  return deliveries.some(
    ({ transition, answers }) => transition !== 'Recovered' && answers.some(({ kind }) => kind !== 'error'),
  )
}

function checkRow(
  row: Containment,
  announced: readonly ContainEvent[],
  { scheduler }: World,
  fail: (s: string) => void,
): void {
  const name = `row ${row.id.slice(0, 6)} (${row.action})`
  if (!FINAL.includes(row.state)) fail(`${name} is still ${row.state}`)
  if (row.announce) fail(`${name} still owes an event`)
  if (row.state !== 'held' && row.state !== 'failed') return
  const page = announced.find(({ containment_id, level }) => containment_id === row.id && level === 'error')
  if (!page) fail(`${name} is ${row.state} (${row.reason}) and nobody was paged`)
  if (row.createdAt.getTime() > scheduler.now) fail(`${name} was created in the future`)
}

function checkAnnouncements(
  row: Containment,
  announced: readonly ContainEvent[],
  world: World,
  fail: (s: string) => void,
): void {
  const name = `row ${row.id.slice(0, 6)} (${row.action}, ${row.state}, ${row.result ?? row.reason})`
  const own = announced.filter(({ containment_id }) => containment_id === row.id)
  const last = own.at(-1)
  const closedUndone = row.state === 'closed' && row.result === undefined
  if (!last) {
    if (!closedUndone) fail(`${name} was never announced`)
    return
  }
  if (row.state === 'done' && last.outcome !== row.result) fail(`${name} was announced as ${last.outcome} at last`)
  const distinct = new Set(own.map(({ outcome, reason, request_id }) => `${outcome} ${reason} ${request_id}`))
  const outcomes = new Set(own.map(({ outcome, reason }) => `${outcome} ${reason}`))
  if (distinct.size > outcomes.size) fail(`${name} was announced twice, as two things: ${[...distinct].join(', ')}`)
  const undisturbed = !world.faults.mayCrash && !world.faults.touches('tables')
  if (undisturbed && own.length > distinct.size) fail(`${name} was announced ${own.length} times`)
  if (own.some(({ outcome }) => outcome === 'success') && own.some(({ outcome }) => outcome === 'noop')) {
    fail(`${name} was announced as success and as noop`)
  }
}

async function checkEffect(row: Containment, story: Story, { stores, scheduler }: World, fail: (s: string) => void) {
  const name = `row ${row.id.slice(0, 6)} (${row.action}) is done`
  const sessions = story.people.flatMap((person) => person.sessions)
  const cutOff = row.createdAt.getTime()
  for (const session of sessions) {
    const isMeant =
      row.action === 'revoke'
        ? row.scope === `@sid:${session.sid}`
        : row.action === 'revoke_user' && row.scope === `@usr.id:${session.userId}` && session.openedAt < cutOff
    if (!isMeant) continue
    const last = session.met.at(-1)
    if (last?.kind === 'accepted') fail(`${name}, and session ${session.sid} lives`)
  }
  if (row.action !== 'block_ip') return
  const until = Math.min(row.alertedAt.getTime(), cutOff) + BLOCK_MS
  const network = row.scope.slice('@network:'.length)
  const block = await stores.blocks.blockedBy(network, scheduler.now)
  if (row.expiresAt === undefined) fail(`${name}, and its block has no end`)
  if (row.renewedAt === undefined && row.expiresAt && row.expiresAt.getTime() > until + 1) {
    fail(`${name}, and its block outlasts the alert by more than a quarter of an hour`)
  }
  if (row.expiresAt && row.expiresAt.getTime() > scheduler.now && !block) fail(`${name}, and ${network} is not blocked`)
}

async function checkSession(
  session: SessionStory,
  rows: readonly Containment[],
  { stores, scheduler }: World,
  fail: (s: string) => void,
): Promise<void> {
  const { sid, userId, met, openedFrom, openedAt } = session
  const [kind, row] = [met.at(-1)?.kind, await stores.ledger.find(userId, sid)]
  const tombstone = await stores.sessions.tombstone(sid)
  const name = `session ${sid}`
  const reasons = rows.filter(
    ({ action, scope, createdAt }) =>
      (action === 'revoke' && scope === `@sid:${sid}`) ||
      (action === 'revoke_user' && scope === `@usr.id:${userId}` && openedFrom <= createdAt.getTime()),
  )
  // A session that is opened while a row is made may be of the time before or after it.
  const acted = reasons.filter(({ state, attempts }) => state === 'done' || attempts > 0)
  if (kind !== 'accepted' && acted.length === 0 && !session.loggedOut) {
    fail(`${name} is ${kind}, and no containment was meant for it (opened ${openedFrom}..${openedAt})`)
  }
  if (kind === 'accepted' && row?.state !== 'active')
    fail(`${name} is accepted, and the ledger has it as ${row?.state}`)
  if (kind === 'revoked' && row?.state === 'active') fail(`${name} is revoked, and the ledger has it as active`)
  if (tombstone && row?.state === 'active') fail(`${name} has a tombstone, and the ledger has it as active`)
  const firstDead = met.findIndex((one) => one.kind === 'revoked')
  if (firstDead >= 0 && met.slice(firstDead).some((one) => one.kind === 'accepted')) fail(`${name} came back to life`)
  if (scheduler.now < openedAt) fail(`${name} was opened in the future`)
}

function checkCap(rows: readonly Containment[], story: Story, { capLimit }: World, fail: (s: string) => void): void {
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
  void story
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
