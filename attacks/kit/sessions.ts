import { setTimeout as delay } from 'node:timers/promises'
import type { Context, Target, TargetKind } from './attack.ts'
import type { Person } from './cast.ts'
import type { Client, Session, Visit } from './clients/client.ts'
import { chromeOnWindows, safariOnIphone } from './clients/devices.ts'
import { RequestFailed } from './clients/request-failed.ts'

/** The interval at which a working person opens a page. */
const VISIT_INTERVAL_MS = 1_000
/** Longer than 300 s, after which a session is renewed by default. */
const RENEWED_WITHIN_MS = 6 * 60_000
/** Longer than 30 s of grace and than two evaluations with the delay of logs. */
const REFUSED_WITHIN_MS = 5 * 60_000

/** The credential that a thief steals from each target. */
export const CREDENTIAL_NAMES: Record<TargetKind, string> = { web: 'session cookie', functions: 'bearer token' }

/** Opens an account with two sessions: the laptop's will be stolen, the phone's must survive. */
export async function openOnTwoDevices(victim: Person, context: Context) {
  const { addresses, tell } = context
  const desk = { device: chromeOnWindows(), address: await addresses.ordinary() }
  const laptop = context.client(desk)
  await laptop.register(victim)
  const stolen = await openSession(laptop, victim)
  tell(victim.name, `signs in on a laptop: ${desk.device.name} at ${desk.address}`)
  const pocket = { device: safariOnIphone(), address: await addresses.mobile() }
  const phone = context.client(pocket)
  await openSession(phone, victim)
  tell(victim.name, `signs in on a phone too: ${pocket.device.name} at ${pocket.address}`)
  return { desk, laptop, stolen, phone }
}

/**
 * {@link openOnTwoDevices}, and a thief who uses the laptop's session with copies of all its headers.
 * @param from the thief's address
 * @throws RequestFailed when the copy is refused at its first use
 */
export async function openAndCopy(victim: Person, from: 'ordinary' | 'attacker', target: Target, context: Context) {
  const opened = await openOnTwoDevices(victim, context)
  const source = { device: opened.desk.device, address: await context.addresses[from]() }
  const thief = context.intruder(source)
  const entry = await present(thief, opened.stolen)
  if (entry.kind === 'out') throw new RequestFailed(`a copied session was refused at once: ${entry.status}`)
  const has = `has the laptop's ${CREDENTIAL_NAMES[target.kind]} and all its headers`
  context.tell('thief', `${has}: ${source.device.name} at ${source.address}`)
  return { ...opened, thief }
}

/** Registers accounts, each from its owner's own network. */
export async function registerAtHome(people: readonly Person[], context: Context): Promise<void> {
  const settle = async (person: Person) => {
    const home = { device: chromeOnWindows(), address: await context.addresses.ordinary() }
    await context.client(home).register(person)
  }
  await Promise.all(people.map(settle))
}

/** Opens the first session of a new account. @throws RequestFailed when it is refused */
export async function openSession(client: Client, person: Person): Promise<Session> {
  const answer = await client.signIn(person)
  if (answer.kind === 'refused') throw new RequestFailed(`a new account could not sign in: ${answer.status}`)
  if ((await client.visit()).kind === 'out') throw new RequestFailed('a new session was refused')
  return answer.session
}

/**
 * Uses a session as its owner does until its token is replaced by a renewal.
 * @throws RequestFailed when it is never renewed
 */
export async function useUntilRenewed(client: Client, { signal }: Context): Promise<void> {
  const until = Date.now() + RENEWED_WITHIN_MS
  while (!(await client.renew())) {
    if (Date.now() > until) throw new RequestFailed(`the session was not renewed within ${RENEWED_WITHIN_MS / 1000} s`)
    await delay(VISIT_INTERVAL_MS, undefined, { signal })
  }
}

/** Presents exactly this token, even if a later one was issued. */
export async function present(client: Client, session: Session): Promise<Visit> {
  client.hold(session)
  return client.visit()
}

/**
 * Presents a copied token repeatedly until it is refused.
 * @throws RequestFailed when it is not refused in time
 */
export async function presentUntilRefused(
  client: Client,
  session: Session,
  { signal }: Context,
): Promise<Extract<Visit, { kind: 'out' }>> {
  const until = Date.now() + REFUSED_WITHIN_MS
  for (;;) {
    const visit = await present(client, session)
    if (visit.kind === 'out') return visit
    if (Date.now() > until) throw new RequestFailed(`a copied session still works after ${REFUSED_WITHIN_MS / 1000} s`)
    await delay(VISIT_INTERVAL_MS, undefined, { signal })
  }
}
