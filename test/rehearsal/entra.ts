import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeItEnds, startNode } from '../../lab/processes/part.ts'
import { freePort } from '../../lab/processes/ports.ts'
import { deferred } from '../../lab/start/deferred.ts'
import { portOf } from '../port-of.ts'
import type { Identity } from '../tls/certificate.ts'

/** Any other account of `localhost` the library takes for one of Cosmos DB, and asks for a token of that. */
const ACCOUNT = 'devstoreaccount1'
const READY_MS = 30_000

export interface TokenEndpoint {
  /** What App Service gives a process, by which it asks for the tokens of its identity. */
  readonly settings: Readonly<Record<'IDENTITY_ENDPOINT' | 'IDENTITY_HEADER', string>>
  /** Each request so far that carried the right header. */
  readonly asked: readonly URLSearchParams[]
  close(): void
}

/** The token endpoint of a managed identity. @see Microsoft Learn, "Managed identities for App Service: REST endpoint" */
export async function startTokenEndpoint(): Promise<TokenEndpoint> {
  const header = randomBytes(16).toString('hex')
  const asked: URLSearchParams[] = []
  const server = createServer((request, response) => {
    if (request.headers['x-identity-header'] !== header) return response.writeHead(401).end()
    const query = new URL(request.url ?? '', 'http://localhost').searchParams
    asked.push(query)
    const resource = query.get('resource') ?? ''
    const expires = Math.floor(Date.now() / 1000) + 3600
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        access_token: tokenFor(resource, expires),
        expires_on: `${expires}`,
        resource,
        token_type: 'Bearer',
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  return {
    settings: { IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/msi/token`, IDENTITY_HEADER: header },
    asked,
    close: () => server.close(),
  }
}

/** Azurite checks everything but the signature: audience, issuer, time. */
function tokenFor(aud: string, exp: number): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { aud, iss: 'https://sts.windows.net/rehearsal/', iat: exp - 3600, nbf: exp - 3600, exp }
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.from('unsigned').toString('base64url')}`
}

/** A storage account that nobody has a key of: tables over TLS, for bearers of a token. Empty, and gone afterwards. */
export async function startTokenTables(identity: Identity): Promise<{ url: string; close(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'ato tables '))
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  await Promise.all([writeFile(cert, identity.cert), writeFile(key, identity.key, { mode: 0o600 })])
  const port = await freePort()
  const ready = deferred()
  const part = startNode({
    name: 'Azurite table service for tokens',
    script: createRequire(import.meta.url).resolve('azurite/dist/src/table/main.js'),
    args: [
      ...['--tableHost', '127.0.0.1', '--tablePort', `${port}`, '--cert', cert, '--key', key, '--oauth', 'basic'],
      ...['--inMemoryPersistence', '--silent', '--skipApiVersionCheck', '--disableTelemetry'],
    ],
    cwd: dir,
    env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${randomBytes(64).toString('base64')}` },
    onStdout: (line) => line.includes('successfully') && ready.resolve(),
  })
  await beforeItEnds(part, ready.promise, READY_MS)
  return {
    url: `https://localhost:${port}/${ACCOUNT}/`,
    async close() {
      await part.stop()
      await rm(dir, { recursive: true })
    },
  }
}
