import type { Session } from './account.ts'
import type { Device } from './devices.ts'
import type { Network } from './networks.ts'
import { type Person, type Town, visitorOf } from './people.ts'
import { type Doing, minute, second } from './schedule.ts'
import { signIn } from './sign-in.ts'

/** Where somebody is as time goes on: asked at every page. */
export type Whereabouts = () => Network

const FRESH_MS = 15 * minute

/** Somebody comes by, signs in if need be, and looks at so many pages. */
export function* visit(town: Town, person: Person, device: Device, where: Whereabouts, pages: number): Doing {
  const { chance, service } = town
  let session = yield* arrive(town, person, device, where)
  for (let page = 0; session && page < pages; page++) {
    yield chance.between(20, 140) * second
    if (!service.present(session, visitorOf(town, device, where()))) {
      person.cookies.delete(device)
      return
    }
    if (page === 2) session = yield* houseKeeping(town, person, session, device, where)
  }
  if (session && chance.of(0.25)) {
    service.logout(session, visitorOf(town, device, where()))
    person.cookies.delete(device)
  }
}

/** With a session that is alive, or a new one. Whoever comes with a dead one is told so first, in each tab. */
function* arrive(
  town: Town,
  person: Person,
  device: Device,
  where: Whereabouts,
): Generator<number, Session | undefined, void> {
  const { chance, service } = town
  const cookie = person.cookies.get(device)
  if (cookie) {
    const visitor = visitorOf(town, device, where())
    if (service.present(cookie, visitor)) return cookie
    if (chance.of(0.15)) service.present(cookie, visitor)
    person.cookies.delete(device)
    yield chance.between(3, 20) * second
  }
  const session = yield* signIn(town, person, device, where())
  if (session) person.cookies.set(device, session)
  return session
}

/**
 * Now and then: the password once more, with a slip or three; a new password, a second factor, an end to a session elsewhere.
 * Changes are made on a device that the account has had for a while: what a new one changes in its first quarter of an hour is
 * what takeover-actions is about.
 */
function* houseKeeping(
  town: Town,
  person: Person,
  session: Session,
  device: Device,
  where: Whereabouts,
): Generator<number, Session | undefined, void> {
  const { chance, service, schedule } = town
  const { account } = person
  const visitor = () => visitorOf(town, device, where())
  if (chance.of(0.003)) {
    const other = [...account.sessions].find((each) => each !== session && !each.revoked)
    if (other) service.endOther(other, visitor())
  }
  const known = account.hasIssued ? account.tokens.get(device) : account.devices.get(device.hash)
  const settled = known?.isFirst || (known && schedule.now - known.since.getTime() > FRESH_MS)
  const changes = settled && chance.of(0.006)
  let current: Session | undefined = session
  if (chance.of(0.03) || (changes && schedule.now - session.authenticatedAt > FRESH_MS)) {
    for (let slips = chance.of(0.3) ? chance.between(1, 3) : 0; slips > 0; slips--) {
      service.reauthenticate(session, 'slip', visitor())
      yield chance.between(5, 30) * second
    }
    yield chance.between(5, 30) * second
    current = service.reauthenticate(session, account.password, visitor())
  }
  if (current && changes) {
    yield chance.between(10, 60) * second
    current = change(town, person, current, visitor())
  }
  if (current) person.cookies.set(device, current)
  else person.cookies.delete(device)
  return current
}

function change(
  { chance, service }: Town,
  person: Person,
  session: Session,
  visitor: ReturnType<typeof visitorOf>,
): Session | undefined {
  const { account } = person
  if (chance.of(0.4)) {
    service.switchSecondFactor(session, account.secondFactor ? 'disabled' : 'enabled', visitor)
    return session
  }
  if (chance.of(0.2)) service.changePassword(session, 'weak', visitor)
  person.oldPasswords.push(account.password)
  return service.changePassword(session, `${account.password} and ${chance.hex(4)}`, visitor)
}
