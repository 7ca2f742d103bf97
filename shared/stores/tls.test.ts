import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Identity, selfSigned } from '../../test/tls/certificate.ts'
import { type Terminator, terminatePostgresTls, terminateTls } from '../../test/tls/terminator.ts'
import { connectPostgres, connectRedis } from './connect.ts'
import { storeTls, type TlsSettings, withoutTlsParameters } from './tls.ts'

describe('a connection to a store', () => {
  it.each([
    'postgres://u:p@db.example.com:5432/app',
    'postgres://u:p@db.example.com/app?sslmode=disable',
    'postgres://u:p@db.example.com/app?sslmode=no-verify',
    'postgres://u:p@db.example.com/app?ssl=0',
    'postgres://u:p@localhost/app?host=db.example.com',
    'postgres:///app',
    'redis://:p@cache.example.com:6379',
    'rediss://127.0.0.1:6379',
    'postgres://u:p@127.0.0.1/app?sslmode=require',
  ])('is verified in full: %s', (url) => {
    expect(storeTls(url, {})).toEqual({ rejectUnauthorized: true })
  })

  it.each(['postgres://u:p@127.0.0.1:5432/app', 'redis://localhost:6379', 'redis://[::1]:6379'])(
    'does not leave this machine, and is plain: %s',
    (url) => expect(storeTls(url, {})).toBeUndefined(),
  )

  it('is plain in the lab unless its URL asks for TLS', () => {
    expect(storeTls('postgres://u@postgres:5432/app', { lab: true })).toBeUndefined()
    expect(storeTls('rediss://cache:6379', { lab: true })).toEqual({ rejectUnauthorized: true })
  })

  it('trusts a given authority alone, and stays verified when the insecure switch is on as well', () => {
    const options = storeTls('rediss://cache.example.com', { ca: 'PEM', insecure: true })
    expect(options).toMatchObject({ ca: 'PEM' })
    expect(options?.rejectUnauthorized).toBeUndefined()
  })
})

it.each([
  ['postgres://u:p%40@h/d?sslmode=no-verify&application_name=x', 'postgres://u:p%40@h/d?application_name=x'],
  ['postgres://u:p@h/d?uselibpqcompat=true&sslmode=require', 'postgres://u:p@h/d'],
  ['rediss://h?tls=RedisCloudFixed', 'rediss://h'],
  ['redis://h/3', 'redis://h/3'],
])('%s gives up its say about TLS', (url, left) => expect(withoutTlsParameters(url)).toBe(left))

/** Two servers before the same stores, each with an authority of its own and a name that matches nothing. */
const [own, impostor] = [selfSigned('store.invalid'), selfSigned('store.invalid')]
const open: Terminator[] = []
const portOf = (url: string) => Number(new URL(url).port)
const servers = {
  redis: {
    at: (port: number, query = '') => {
      const url = new URL(inject('redisUrl').replace('redis:', 'rediss:'))
      url.port = String(port)
      return `${url.href}${query && `?tls=${query}`}`
    },
    behind: (identity: Identity) => terminateTls(identity, () => portOf(inject('redisUrl'))),
    ping: (url: string, settings: TlsSettings) => pinged(connectRedis(url, { tls: storeTls(url, settings) })),
  },
  postgres: {
    at: (port: number, query = '') => {
      const url = new URL(inject('databaseUrl'))
      url.port = String(port)
      return `${url.href}?sslmode=${query || 'require'}`
    },
    behind: (identity: Identity) => terminatePostgresTls(identity, () => portOf(inject('databaseUrl'))),
    ping: (url: string, settings: TlsSettings) => pinged(connectPostgres(url, { tls: storeTls(url, settings) })),
  },
} as const

async function pinged(connection: { ping(): Promise<void>; close(): Promise<void> }): Promise<'accepted' | 'refused'> {
  try {
    await connection.ping()
    return 'accepted'
  } catch {
    return 'refused'
  } finally {
    await connection.close()
  }
}

describe.each(['redis', 'postgres'] as const)('a %s behind a certificate of its own authority', (name) => {
  const { at, behind, ping } = servers[name]
  let [ownUrl, impostorUrl] = ['', '']
  let ownPort = 0
  beforeAll(async () => {
    const started = await Promise.all([behind(own), behind(impostor)])
    open.push(...started)
    ownPort = started[0].port
    ;[ownUrl, impostorUrl] = [at(ownPort), at(started[1].port)]
  })
  afterAll(() => {
    for (const terminator of open.splice(0)) terminator.close()
  })

  it('is accepted by its pinned authority, and an impostor is refused', async () => {
    expect(await ping(ownUrl, { ca: own.cert })).toBe('accepted')
    expect(await ping(impostorUrl, { ca: own.cert })).toBe('refused')
  })

  it('is refused when nothing is pinned, as the impostor is', async () => {
    expect(await ping(ownUrl, {})).toBe('refused')
    expect(await ping(impostorUrl, {})).toBe('refused')
  })

  it('cannot be accepted by parameters of its URL', async () => {
    expect(await ping(at(ownPort, name === 'redis' ? 'RedisCloudFixed' : 'no-verify'), {})).toBe('refused')
  })

  it('is accepted by the insecure switch, and so is the impostor', async () => {
    expect(await ping(ownUrl, { insecure: true })).toBe('accepted')
    expect(await ping(impostorUrl, { insecure: true })).toBe('accepted')
  })

  it('is refused to a pinned impostor when the insecure switch is on', async () => {
    expect(await ping(impostorUrl, { ca: own.cert, insecure: true })).toBe('refused')
  })
})
