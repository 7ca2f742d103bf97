import type { AccessRecord, HonestClient, HonestPerson, Source } from './access-record.ts'
import { TARGETS, type TargetKind } from './attack.ts'
import type { Client, Session } from './clients/client.ts'
import { cookieName } from './clients/cookie-jar.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { type Answer, type Line, type Outgoing, send } from './clients/wire.ts'

/** The hosts that are asked: each token is presented to both, whichever issued it. */
export type Lines = Readonly<Partial<Record<TargetKind, Line>>>

export interface Questions {
  readonly lines: Lines
  /** Whether right passwords must be refused too at the clients that gave them, as under a block. */
  readonly passwords: boolean
  /** Sids of honest sessions that may end, which is the stolen one. */
  readonly lost: ReadonlySet<string>
  /** Emails of owners whom the attack itself locks out; a person must restore their accounts. */
  readonly restored: ReadonlySet<string>
  readonly tell: (who: string, what: string) => void
}

/** The result, counted in accounts by real requests. */
export interface AccessCheck {
  /** Accounts that the attacker entered; a pending second factor counts too. */
  readonly entered: number
  /** Those that something the attacker holds still opens. */
  readonly stillIn: number
  /** Accounts of honest people who lost a session other than the stolen one, or who cannot sign in. */
  readonly lockedOut: number
  /** Accounts whose owners the attack itself locked out before any containment. */
  readonly toRestore: number
  /** Descriptions of what the attacker still holds. */
  readonly stillHeld: readonly string[]
  /** Descriptions of what fails for honest people. */
  readonly complaints: readonly string[]
}

/** Checks by real requests which accounts the attacker and the honest people can still open. */
export async function checkAccess(access: AccessRecord, questions: Questions): Promise<AccessCheck> {
  const { tell } = questions
  const inside = await askAttacker(access, questions)
  const entered = new Set([...access.entered(), ...inside.keys()])
  const nameOf = (account: string) => access.people.get(account)?.name ?? account
  const stillHeld = [...inside].map(([account, how]) => `${nameOf(account)}’s account: ${how}`)
  for (const text of stillHeld) tell('attacker', `STILL HOLDS ${text}`)
  if (stillHeld.length === 0 && entered.size > 0) {
    const accounts = `${entered.size} ${entered.size === 1 ? 'account' : 'accounts'}`
    tell('attacker', `presents everything that opened ${accounts} again, on every host: refused`)
  }
  const { size } = entered
  const { complaints, toRestore } = await askPeople(access, questions)
  return { entered: size, stillIn: inside.size, lockedOut: complaints.length, toRestore, stillHeld, complaints }
}

/** @returns what still lets the attacker in, by account */
async function askAttacker(access: AccessRecord, { lines, passwords }: Questions): Promise<Map<string, string>> {
  const inside = new Map<string, string>()
  const record = (account: string, how: string | undefined) => {
    if (how !== undefined && !access.isOwn(account) && !inside.has(account)) inside.set(account, how)
  }
  // The newest token first, because an older token of a live session is a fork and would end the session.
  for (const { what: session, from } of [...access.sessions.values()].reverse()) {
    const account = access.accountOf(session)
    if (!inside.has(account)) record(account, await opensBy(session, from, lines))
  }
  for (const [secret, { what: email, from }] of access.challenges) {
    const phone = access.people.get(email)?.phone
    if (phone && !inside.has(email)) record(email, await codeOpens(secret, () => phone.next(), from, lines))
  }
  for (const { account, client } of passwords ? access.passwords : []) {
    if (!inside.has(account.email)) record(account.email, await passwordOpens(client, account))
  }
  return inside
}

/** Presents the exact token. @returns how it is accepted; undefined if every host refuses it */
async function opensBy(session: Session, from: Source, lines: Lines): Promise<string | undefined> {
  for (const kind of TARGETS) {
    const line = lines[kind]
    if (line && (await isLetIn(kind, session, from, line))) return `${kind} accepts the session`
  }
  const { functions } = lines
  if (!functions) return undefined
  const renewal = { method: 'POST', path: '/api/auth/session/renew', headers: bearer(session) } as const
  return (await send(renewal, from, functions)).status === 200 ? 'the session is renewed' : undefined
}

const bearer = ({ secret }: Session) => ({ authorization: `Bearer ${secret}` })

async function isLetIn(kind: TargetKind, session: Session, from: Source, line: Line): Promise<boolean> {
  const request: Outgoing =
    kind === 'functions'
      ? { method: 'GET', path: '/api/auth/session', headers: bearer(session) }
      : {
          method: 'GET',
          path: '/dashboard',
          headers: { accept: 'text/html', cookie: `${cookieName(line.baseUrl, 'session')}=${session.secret}` },
        }
  const answer = await send(request, from, line)
  if (answer.status === 200 && answer.body.includes(session.sid)) return true
  if (isRefusal(answer)) return false
  throw new RequestFailed(
    `GET ${request.path} answered ${answer.status}, which neither accepts nor refuses the session`,
  )
}

/** 401, 403 for a device that must authenticate again, or web's redirect to the sign-in page. */
const isRefusal = ({ status }: Answer): boolean => status === 401 || status === 403 || status === 303

/** Gives the owner's right code, which only a usable pending sign-in accepts. */
async function codeOpens(secret: string, next: () => Promise<string>, from: Source, lines: Lines) {
  const { functions, web } = lines
  const code = await next()
  if (functions) {
    const body = JSON.stringify({ mfa_token: secret, code })
    const headers = { 'content-type': 'application/json' }
    const answer = await send({ method: 'POST', path: '/api/auth/mfa/verify', headers, body }, from, functions)
    if (answer.status === 200) return 'functions accepts a right code for the pending sign-in'
  }
  if (!web) return undefined
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    origin: web.baseUrl,
    cookie: `${cookieName(web.baseUrl, 'mfa')}=${secret}`,
  }
  const body = new URLSearchParams({ code, hints: '' }).toString()
  const answer = await send({ method: 'POST', path: '/mfa', headers, body }, from, web)
  const leads = new URL(answer.headers.get('location') ?? '/', web.baseUrl).pathname
  return answer.status === 303 && leads === '/dashboard'
    ? 'web accepts a right code for the pending sign-in'
    : undefined
}

async function passwordOpens(client: Client, account: { email: string; password: string }) {
  const answer = await client.givePassword(account)
  if (answer.kind === 'in') return 'the password signs in'
  return answer.kind === 'challenged' ? 'the password leads to the question for a code' : undefined
}

/** @returns one complaint for each person who is locked out, and the number of accounts that the attack made a person restore */
async function askPeople(
  { people }: AccessRecord,
  questions: Questions,
): Promise<{ complaints: string[]; toRestore: number }> {
  const outside: string[] = []
  let [others, toRestore] = [0, 0]
  for (const person of people.values()) {
    const complaints = await askPerson(person, questions)
    if (complaints.length > 0 && questions.restored.has(person.account.email)) {
      questions.tell(person.name, `needs a person to restore the account: ${complaints.join(', ')}`)
      toRestore++
    } else if (complaints.length > 0) {
      const text = complaints.join(', ')
      questions.tell(person.name, `IS LOCKED OUT: ${text}`)
      outside.push(`${person.name}: ${text}`)
    } else if (!person.clients.some(({ session }) => session)) others++
  }
  if (others > 0) questions.tell('others', `have no session; ${others} can sign in`)
  return { complaints: outside, toRestore }
}

async function askPerson(person: HonestPerson, { lost, tell }: Questions): Promise<string[]> {
  const complaints = [...person.refusals]
  for (const sid of person.lost) if (!lost.has(sid)) complaints.push('lost a session')
  /** How many sessions are alive, by device. */
  const alive = new Map<string, number>()
  let refused: HonestClient | undefined
  for (const own of person.clients) {
    const { session, client, device } = own
    if (!session) continue
    const visit = await client.visit()
    if (visit.kind === 'in') {
      alive.set(device.name, (alive.get(device.name) ?? 0) + 1)
      continue
    }
    refused = own
    if (!lost.has(session.sid)) complaints.push(`signed out on ${device.name}`)
    tell(person.name, `is asked on ${device.name} to sign in again: "${visit.words}"`)
  }
  for (const [device, sessions] of alive) {
    tell(person.name, `is signed in on ${device} as before${sessions === 1 ? '' : `, in ${sessions} sessions`}`)
  }
  if (alive.size > 0 && !refused) return complaints
  const again = refused ?? person.clients[0]
  if (!again) return complaints
  const refusal = await signInAgain(again.client, person)
  if (refusal !== undefined) complaints.push(refusal)
  else if (refused) tell(person.name, `signs in again on ${refused.device.name}`)
  return complaints
}

/** @returns the refusal; undefined after a sign-in */
async function signInAgain(client: Client, { account, phone }: HonestPerson): Promise<string | undefined> {
  const answer = await client.givePassword(account)
  if (answer.kind === 'in') return undefined
  if (answer.kind === 'refused') return `cannot sign in (${answer.status})`
  if (!phone) return 'is asked for a code of an authenticator that is not theirs'
  const second = await client.enterCode(await phone.next())
  return second.kind === 'in' ? undefined : `the code is refused (${second.status})`
}
