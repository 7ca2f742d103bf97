import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { azure } from '../lab/edge/flavour.ts'
import { type SpawnedHost, spawnFunctionsHost } from '../lab/functions-host/spawn.ts'
import { childEnvironment } from '../lab/processes/environment.ts'
import { parseMigrateConfig } from '../shared/config.ts'
import { migrate } from '../shared/stores/postgres/migrate.ts'
import { postgresTls } from '../shared/stores/tls.ts'
import { productionEnv } from './env.ts'
import { createClient } from './rehearsal/client.ts'
import { startTokenEndpoint, startTokenTables, type TokenEndpoint } from './rehearsal/entra.ts'
import { type FrontEnd, startFrontEnd } from './rehearsal/front-end.ts'
import { type MailServer, startMailServer } from './rehearsal/mail.ts'
import { copyBuiltCheckout, packFunctions } from './rehearsal/package.ts'
import { type ManagedStores, startManagedStores } from './rehearsal/stores.ts'
import { selfSigned } from './tls/certificate.ts'

/**
 * The package as it is deployed, alone in a folder, with the settings of a deployment: behind a front end with TLS, on
 * stores with TLS, and on tables that only a managed identity opens. Not rehearsed: Azure's own host, the template.
 */

const MAX_PACKAGE_BYTES = 3 * 1024 * 1024
const identity = selfSigned('localhost')
const send = createClient(identity.cert)

let dir: string
let stores: ManagedStores
let mail: MailServer
let tables: Awaited<ReturnType<typeof startTokenTables>>
let tokens: TokenEndpoint
let frontEnd: FrontEnd
let host: SpawnedHost | undefined
let deployed: string
const lines: string[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato azure '))
  deployed = join(dir, 'wwwroot')
  ;[stores, mail, tables, tokens, frontEnd] = await Promise.all([
    startManagedStores({ databaseUrl: inject('databaseUrl'), redisUrl: inject('redisUrl') }),
    startMailServer(identity),
    startTokenTables(identity),
    startTokenEndpoint(),
    startFrontEnd(azure, identity),
  ])
  await writeFile(join(dir, 'front-end.pem'), identity.cert)
})
afterAll(async () => {
  await host?.stop()
  frontEnd?.close()
  tokens?.close()
  await tables?.close()
  await mail?.close()
  await stores?.close()
  await rm(dir, { recursive: true, force: true })
})

describe('the package that .funcignore leaves', () => {
  it('is six files, small, whatever else lies in the checkout', async () => {
    const checkout = join(dir, 'checkout')
    await copyBuiltCheckout(checkout)
    const { paths, bytes } = await packFunctions(checkout, deployed)
    expect(paths).toEqual([
      'dist/functions.cjs',
      'dist/hash-worker.cjs',
      'dist/identity.cjs',
      'dist/strength-worker.cjs',
      'host.json',
      'package.json',
    ])
    expect(bytes).toBeLessThan(MAX_PACKAGE_BYTES)
  })

  it('runs from a folder without dependencies', () => {
    const { resolve } = createRequire(join(deployed, 'package.json'))
    for (const name of ['@azure/functions', '@azure/identity', 'pg', 'esbuild']) expect(() => resolve(name)).toThrow()
  })

  it('starts with the settings of a deployment, signs a user in, and ends with 0', async () => {
    const settings = { ...productionEnv(), ...stores.settings, ...mail.settings }
    await migrate(settings.DATABASE_URL, { tls: postgresTls(parseMigrateConfig(settings)) })
    const { TABLES_CONNECTION: _, ...secrets } = settings
    host = await spawnFunctionsHost({
      root: deployed,
      env: childEnvironment({
        ...secrets,
        ...tokens.settings,
        NODE_ENV: 'production',
        AZURE_CLIENT_ID: 'client-id-of-the-identity',
        TABLES_URL: tables.url,
        FUNCTIONS_ORIGIN: frontEnd.origin,
        // As the template writes what has its default.
        BCRYPT_COST: '',
        // Stands for the public authorities that have signed Azure's certificates.
        NODE_EXTRA_CA_CERTS: join(dir, 'front-end.pem'),
      }),
      stateDir: join(dir, 'timers'),
      onStdout: (chunk) => void lines.push(chunk),
    })
    expect(host.errors).toEqual([])
    frontEnd.target = host.port
    const call = async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const answer = await send(`${frontEnd.origin}/api/${path}`, {
        headers: { 'content-type': 'application/json', 'x-lab-client-ip': '2001:db8::77', ...headers },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      })
      return { status: answer.status, json: answer.text === '' ? undefined : JSON.parse(answer.text) }
    }
    expect(await call('health')).toMatchObject({ status: 200, json: { status: 'ok' } })
    const user = { email: `${randomUUID()}@example.com`, password: 'long enough to be one' }
    const registered = await call('auth/register', user)
    expect(registered.status).toBe(202)
    const confirmation = { token: await mail.codeTo(user.email), registration: registered.json.registration }
    expect(await call('auth/confirm', confirmation)).toMatchObject({ status: 200, json: { email: user.email } })
    const login = await call('auth/login', user, { 'x-forwarded-for': '192.0.2.66:1' })
    expect(login).toMatchObject({ status: 200, json: { sid: expect.any(String), token: expect.any(String) } })
    const authorization = `Bearer ${login.json.token}`
    expect((await call('auth/session', undefined, { authorization })).status).toBe(200)

    const logins = lines
      .join('')
      .split('\n')
      .filter((line) => line.includes('"evt":"login"'))
    expect(logins.map((line) => JSON.parse(line))).toMatchObject([
      { outcome: 'success', ip: '2001:db8::77', via: 'api' },
    ])
    expect(tokens.asked[0]?.get('client_id')).toBe('client-id-of-the-identity')
    expect(tokens.asked[0]?.get('resource')).toMatch(/^https:\/\/storage\.azure\.com\/?$/)
    expect(await host.stop()).toBe(0)
  }, 60_000)
})
