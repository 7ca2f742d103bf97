import type { AccessRecord, HonestClient, HonestPerson, Side, Source } from '../access-record.ts'
import type { Account } from '../cast.ts'
import { type Challenge, type Client, type Session, type SignIn, sidOf, type Visit } from './client.ts'
import type { Answer } from './wire.ts'

/** Wraps a client so that it records every secret it gets. */
export const withAccessRecord = (client: Client, side: Side, from: Source, access: AccessRecord): Client =>
  side === 'honest' ? honest(client, from, access) : attackers(client, from, access)

function attackers(client: Client, start: Source, access: AccessRecord): Client {
  let from = start
  /** The email of the pending sign-in. */
  let challenged = ''
  const record = () => {
    const { session, challenge } = client.belongings()
    if (session) access.sessions.set(session.secret, { what: session, from })
    if (challenge !== undefined && challenged !== '') access.challenges.set(challenge, { what: challenged, from })
  }
  const admitted = (answer: SignIn, email = ''): SignIn => {
    if (answer.kind === 'in') {
      if (email !== '') access.owns(email, answer.session)
      access.enter(answer.session)
    }
    record()
    return answer
  }
  const knows = (account: Account) => access.passwords.push({ account, client })

  return {
    ...client,
    async register(account) {
      await client.register(account)
      access.registerOwn(account)
    },
    async signIn(account) {
      const answer = await client.signIn(account)
      if (answer.kind === 'in' || isRight(account, access)) knows(account)
      return admitted(answer, account.email)
    },
    async givePassword(account) {
      const answer = await client.givePassword(account)
      if (answer.kind !== 'refused' || isRight(account, access)) knows(account)
      if (answer.kind !== 'challenged') return admitted(answer, account.email)
      challenged = account.email
      record()
      return answer
    },
    async enterCode(code) {
      const { challenge } = client.belongings()
      const answer = await client.enterCode(code)
      if (answer.kind === 'in' && challenge !== undefined) access.challenges.delete(challenge)
      return admitted(answer, challenged)
    },
    async visit() {
      const visit = await client.visit()
      const { session } = client.belongings()
      if (visit.kind === 'in' && session) access.enter(session)
      record()
      return visit
    },
    reauthenticate: async (password) => admitted(await client.reauthenticate(password)),
    async send(outgoing) {
      const answer = await client.send(outgoing)
      for (const session of tokensIn(answer)) {
        access.sessions.set(session.secret, { what: session, from })
        access.enter(session)
      }
      return answer
    },
    async changePassword(account, next) {
      const answer = await client.changePassword(account, next)
      if (answer.kind === 'in') knows({ email: account.email, password: next })
      return admitted(answer, account.email)
    },
    async renew() {
      const renewed = await client.renew()
      record()
      return renewed
    },
    hold(session) {
      client.hold(session)
      record()
    },
    move(to) {
      client.move(to)
      from = { ...from, ...to }
    },
  }
}

/** Session tokens in the body and the cookies of the answer to a custom request. */
function tokensIn({ body, headers }: Answer): Session[] {
  const texts = `${body} ${headers.getSetCookie().join(' ')}`.match(/[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g) ?? []
  return texts.flatMap((secret) => {
    try {
      return [{ sid: sidOf(secret), secret }]
    } catch {
      return []
    }
  })
}

const isRight = ({ email, password }: Account, { people }: AccessRecord): boolean =>
  people.get(email)?.account.password === password

function honest(client: Client, { device }: Source, access: AccessRecord): Client {
  const own: HonestClient = { client, device, session: undefined }
  let person: HonestPerson | undefined
  const assignTo = (email: string) => {
    const owner = access.people.get(email)
    if (owner && owner !== person) {
      person = owner
      owner.clients.push(own)
    }
  }
  const record = () => {
    own.session = client.belongings().session ?? own.session
  }
  const admitted = <T extends SignIn | Challenge>(answer: T): T => {
    record()
    if ('session' in answer && person) access.owns(person.account.email, answer.session)
    return answer
  }
  const gavePassword = <T extends SignIn | Challenge>(account: Account, answer: T): T => {
    assignTo(account.email)
    if (answer.kind === 'refused' && isRight(account, access)) person?.refusals.push('the right password is refused')
    return admitted(answer)
  }
  /** The owner's change of a credential ends the other sessions, which is intended. */
  const endOthers = () => {
    for (const other of person?.clients ?? []) if (other !== own) other.session = undefined
  }

  return {
    ...client,
    async register(account) {
      await client.register(account)
      access.register(account)
      assignTo(account.email)
    },
    signIn: async (account) => gavePassword(account, await client.signIn(account)),
    givePassword: async (account) => gavePassword(account, await client.givePassword(account)),
    enterCode: async (code) => admitted(await client.enterCode(code)),
    reauthenticate: async (password) => admitted(await client.reauthenticate(password)),
    async visit(): Promise<Visit> {
      const visit = await client.visit()
      if (visit.kind === 'out' && own.session) person?.lost.add(own.session.sid)
      record()
      return visit
    },
    async changePassword(account, next) {
      const answer = await client.changePassword(account, next)
      if (answer.kind === 'in' && person) {
        person.account = { ...person.account, password: next }
        endOthers()
      }
      return admitted(answer)
    },
    async confirm(code) {
      await client.confirm(code)
      endOthers()
    },
    async renew() {
      const renewed = await client.renew()
      record()
      return renewed
    },
    async signOut() {
      await client.signOut()
      own.session = undefined
    },
    async endOther(sid) {
      await client.endOther(sid)
      for (const other of person?.clients ?? []) if (other.session?.sid === sid) other.session = undefined
    },
    hold(session) {
      client.hold(session)
      record()
    },
  }
}
