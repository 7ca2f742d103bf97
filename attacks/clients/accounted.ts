import type { Account } from '../cast.ts'
import type { Holdings, HonestClient, HonestPerson, Side, Whereabouts } from '../holdings.ts'
import { type Client, type Session, type SignIn, sidOf, type Visit } from './client.ts'
import type { Answer } from './wire.ts'

/** A client that records every secret it gets in the run's account. */
export const accounted = (client: Client, side: Side, from: Whereabouts, holdings: Holdings): Client =>
  side === 'honest' ? honest(client, from, holdings) : attackers(client, from, holdings)

function attackers(client: Client, start: Whereabouts, holdings: Holdings): Client {
  let from = start
  /** Of whom the client has a pending sign-in. */
  let challenged = ''
  const note = () => {
    const { session, challenge } = client.belongings()
    if (session) holdings.sessions.set(session.secret, { what: session, from })
    if (challenge !== undefined && challenged !== '') holdings.challenges.set(challenge, { what: challenged, from })
  }
  const admitted = (answer: SignIn, email = ''): SignIn => {
    if (answer.kind === 'in') {
      if (email !== '') holdings.owns(email, answer.session)
      holdings.enter(answer.session)
    }
    note()
    return answer
  }
  const passed = (account: Account) => holdings.passwords.push({ account, client })

  return {
    ...client,
    async register(account) {
      await client.register(account)
      holdings.registerOwn(account)
    },
    async signIn(account) {
      const answer = await client.signIn(account)
      if (answer.kind === 'in' || isRight(account, holdings)) passed(account)
      return admitted(answer, account.email)
    },
    async givePassword(account) {
      const answer = await client.givePassword(account)
      if (answer.kind !== 'refused' || isRight(account, holdings)) passed(account)
      if (answer.kind !== 'challenged') return admitted(answer, account.email)
      challenged = account.email
      note()
      return answer
    },
    async enterCode(code) {
      const { challenge } = client.belongings()
      const answer = await client.enterCode(code)
      if (answer.kind === 'in' && challenge !== undefined) holdings.challenges.delete(challenge)
      return admitted(answer, challenged)
    },
    async visit() {
      const visit = await client.visit()
      const { session } = client.belongings()
      if (visit.kind === 'in' && session) holdings.enter(session)
      note()
      return visit
    },
    reauthenticate: async (password) => admitted(await client.reauthenticate(password)),
    async send(outgoing) {
      const answer = await client.send(outgoing)
      for (const session of tokensIn(answer)) {
        holdings.sessions.set(session.secret, { what: session, from })
        holdings.enter(session)
      }
      return answer
    },
    async changePassword(account, next) {
      const answer = await client.changePassword(account, next)
      if (answer.kind === 'in') passed({ email: account.email, password: next })
      return admitted(answer, account.email)
    },
    async renew() {
      const renewed = await client.renew()
      note()
      return renewed
    },
    hold(session) {
      client.hold(session)
      note()
    },
    move(to) {
      client.move(to)
      from = { ...from, ...to }
    },
  }
}

/** Session tokens in the answer to a request of the attack's own making: a body or a cookie may hold one. */
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

const isRight = ({ email, password }: Account, { people }: Holdings): boolean =>
  people.get(email)?.account.password === password

function honest(client: Client, { device }: Whereabouts, holdings: Holdings): Client {
  const own: HonestClient = { client, device, session: undefined }
  let person: HonestPerson | undefined
  const isOf = (email: string) => {
    const owner = holdings.people.get(email)
    if (owner && owner !== person) {
      person = owner
      owner.clients.push(own)
    }
  }
  const note = () => {
    own.session = client.belongings().session ?? own.session
  }
  const admitted = <T extends SignIn | { kind: 'challenged' }>(answer: T): T => {
    note()
    if (answer.kind === 'in' && person) holdings.owns(person.account.email, (answer as SignIn & { kind: 'in' }).session)
    return answer
  }
  const gavePassword = <T extends SignIn | { kind: 'challenged' }>(account: Account, answer: T): T => {
    isOf(account.email)
    if (answer.kind === 'refused' && isRight(account, holdings)) person?.refusals.push('the right password is refused')
    return admitted(answer)
  }
  /** A change of what opens the account ends its other sessions, as its owner wants. */
  const endOthers = () => {
    for (const other of person?.clients ?? []) if (other !== own) other.session = undefined
  }

  return {
    ...client,
    async register(account) {
      await client.register(account)
      holdings.register(account)
      isOf(account.email)
    },
    signIn: async (account) => gavePassword(account, await client.signIn(account)),
    givePassword: async (account) => gavePassword(account, await client.givePassword(account)),
    enterCode: async (code) => admitted(await client.enterCode(code)),
    reauthenticate: async (password) => admitted(await client.reauthenticate(password)),
    async visit(): Promise<Visit> {
      const visit = await client.visit()
      if (visit.kind === 'out' && own.session) person?.lost.add(own.session.sid)
      note()
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
      note()
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
      note()
    },
  }
}
