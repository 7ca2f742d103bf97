import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { selfSigned } from '../tls/certificate.ts'
import { terminatePostgresTls, terminateTls } from '../tls/terminator.ts'

export interface ManagedStores {
  /** As a provider hands them out: a URL each, and the certificate of an authority that nobody else knows. */
  readonly settings: Readonly<Record<'DATABASE_URL' | 'DATABASE_CA' | 'REDIS_URL' | 'REDIS_CA', string>>
  close(): Promise<void>
}

/**
 * The embedded stores as managed ones: an empty database of their own, and TLS by certificates whose authority is not
 * a public one and whose names match nothing.
 */
export async function startManagedStores(given: { databaseUrl: string; redisUrl: string }): Promise<ManagedStores> {
  const database = `r${randomUUID().replaceAll('-', '')}`
  const admin = new pg.Client({ connectionString: given.databaseUrl })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${database}`)
  const [postgresIdentity, redisIdentity] = [selfSigned('postgres.invalid'), selfSigned('redis.invalid')]
  const postgres = await terminatePostgresTls(postgresIdentity, portOf(given.databaseUrl))
  const redis = await terminateTls(redisIdentity, portOf(given.redisUrl))
  return {
    settings: {
      DATABASE_URL: Object.assign(new URL(given.databaseUrl), { port: String(postgres.port), pathname: `/${database}` })
        .href,
      DATABASE_CA: postgresIdentity.cert,
      REDIS_URL: given.redisUrl.replace('redis:', 'rediss:').replace(/:\d+(?=\/|$)/, `:${redis.port}`),
      REDIS_CA: redisIdentity.cert,
    },
    async close() {
      postgres.close()
      redis.close()
      await admin.query(`DROP DATABASE ${database} WITH (FORCE)`)
      await admin.end()
    },
  }
}

const portOf = (url: string) => () => Number(new URL(url).port)
