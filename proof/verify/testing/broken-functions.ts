import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { app, type HttpHandler } from '@azure/functions'
import { composeDeps, type FunctionsDeps } from '../../../functions/deps.ts'
import { type FunctionsParts, openParts } from '../../../functions/parts.ts'
import { routes } from '../../../functions/routes.ts'
import { sweepHandler } from '../../../functions/sweep/handler.ts'
import { parseFunctionsConfig } from '../../../shared/config.ts'
import { forgetful } from './broken-sessions.ts'
import { hasFault } from './faults.ts'

/** The functions as they are deployed, over stores that fail to contain in the way that the test asks for. */
declare const __dirname: string

/** What one request has met. */
interface Passage {
  readonly route: string
  spared: boolean
}

const passing = new AsyncLocalStorage<Passage>()
/** As if whoever signs in had proved it twice, wherever the session is used. */
const stepUp = () => (hasFault('step-up is taken for granted') ? { acr: 're-authenticated' as const } : {})
const isOf = (route: string) => passing.getStore()?.route === route

function breakStores({ stores, now }: FunctionsParts): FunctionsParts['stores'] {
  const { blocks, cap, recentSignIns, sessions, throttle, users } = stores
  let newest = ''
  let blocked: string | undefined
  const broken = forgetful(
    sessions,
    () =>
      hasFault('functions lets in who was ended') ||
      (isOf('sessionRenew') && hasFault('renewal revives')) ||
      // Web's pages name the account, which they ask for here.
      (isOf('account') && hasFault('web lets in who was ended')),
  )
  return {
    ...stores,
    sessions: {
      ...broken,
      async present(asked, now) {
        const met = await broken.present(asked, now)
        if (!('session' in met) || !hasFault('step-up is taken for granted')) return met
        return { ...met, session: { ...met.session, ip: asked.network } }
      },
      async create(session, now) {
        newest = session.sid
        return sessions.create({ ...session, ...stepUp() }, now)
      },
      async raiseEpoch(userId, revocation, until) {
        const { epoch, reason } = revocation
        if (reason === 'factor_changed' && hasFault('change of factor ends nothing')) return
        if (hasFault('one session of the user is left out'))
          await sessions.adopt(newest, { from: epoch - 1, to: epoch }, now())
        await sessions.raiseEpoch(userId, revocation, until)
      },
      async revoke(sid, tombstone, userId) {
        if (hasFault('revoke ends nothing')) return 'success'
        if (sid === newest && hasFault('one session of the user is left out')) return 'success'
        if (tombstone.reason === 'factor_changed' && hasFault('change of factor ends nothing')) return 'success'
        return sessions.revoke(sid, tombstone, userId)
      },
    },
    throttle: {
      ...throttle,
      reserve: async (rules) => (hasFault('throttle is not asked') ? undefined : throttle.reserve(rules)),
      exchange: (released, rules) => throttle.exchange(released, hasFault('throttle is not asked') ? [] : rules),
    },
    cap: {
      admit: async (name, counted, ...rest) =>
        hasFault('cap counts sessions')
          ? cap.admit(`${name}, by session`, { subject: randomUUID(), source: randomUUID() }, ...rest)
          : cap.admit(name, counted, ...rest),
    },
    users: {
      ...users,
      async findByEmail(email) {
        const user = await users.findByEmail(email)
        const passage = passing.getStore()
        if (user && passage && blocked !== undefined && hasFault('block misses one sign-in')) {
          passage.spared = true
          blocked = undefined
        }
        return user
      },
    },
    recentSignIns: {
      ...recentSignIns,
      suspects: async (network, now) =>
        hasFault('block leaves who is in') ? [] : recentSignIns.suspects(network, now),
    },
    blocks: {
      ...blocks,
      async block(network, entry) {
        blocked = network
        await blocks.block(network, entry)
      },
      async blockedBy(network, now) {
        if (passing.getStore()?.spared) return undefined
        const everybody = hasFault('block hits everybody') && blocked !== undefined
        return blocks.blockedBy(everybody && blocked ? blocked : network, now)
      },
    },
  }
}

function breakTokens({ session, auth, ...deps }: FunctionsDeps): FunctionsDeps {
  const { issueToken } = session
  const broken: typeof issueToken = (claims, ...rest) => issueToken({ ...claims, ...stepUp() }, ...rest)
  return { ...deps, session: { ...session, issueToken: broken }, auth: { ...auth, issueToken: broken } }
}

/** Below what a configuration accepts, because what is tested here does not depend on how long a hash takes. */
const BCRYPT_COST = 4

const config = { ...parseFunctionsConfig(process.env), BCRYPT_COST }
const parts = openParts(config, { hashWorker: join(__dirname, 'hash-worker.cjs') })
const deps = breakTokens(composeDeps(config, { ...parts, stores: breakStores(parts) }))
for (const [name, { method, route, authLevel = 'anonymous', handler }] of Object.entries(routes(deps))) {
  const passed: HttpHandler = (request, context) =>
    passing.run({ route: name, spared: false }, () => handler(request, context))
  app.http(name, { methods: [method], route, authLevel, handler: passed })
}
app.timer('sweep', { schedule: '0 * * * * *', handler: sweepHandler(deps.sweep) })
app.hook.appTerminate(deps.close)
