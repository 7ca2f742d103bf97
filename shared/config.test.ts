import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { labEnv, productionEnv } from '../test/env.ts'
import { selfSigned } from '../test/tls/certificate.ts'
import { ConfigError, parseFunctionsConfig, parseMigrateConfig, parseWebConfig } from './config.ts'

const faultsOf = (env: NodeJS.ProcessEnv): string => {
  try {
    parseFunctionsConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

describe('a configuration', () => {
  it('accepts the values of the lab in the lab, and other secrets in production', () => {
    expect(parseFunctionsConfig(labEnv()).ATO_LAB).toBe(true)
    expect(parseFunctionsConfig(productionEnv()).ATO_LAB).toBe(false)
    expect(parseWebConfig(productionEnv()).PORT).toBe(8000)
  })

  it('lets every detection contain, unless it is told to observe', () => {
    const modesOf = (CONTAIN_MODE: string) => {
      const modes = parseFunctionsConfig({ ...productionEnv(), CONTAIN_MODE }).CONTAIN_MODE
      return [modes.get('session-reuse'), modes.get('session-fork')]
    }
    expect(modesOf('')).toEqual(['enforce', 'enforce'])
    expect(modesOf('observe')).toEqual(['observe', 'observe'])
    expect(modesOf('session-reuse=observe')).toEqual(['observe', 'enforce'])
    expect(modesOf('observe, session-fork=enforce')).toEqual(['observe', 'enforce'])
    for (const wrong of [
      ...['off', 'session-reuse', 'session-reused=observe', 'session-reuse=off', '=observe'],
      ...['session-reuse=observe=enforce', 'session-reuse=enforce,observe', 'observe,enforce'],
      'session-reuse=observe,session-reuse=enforce',
    ]) {
      expect(faultsOf({ ...productionEnv(), CONTAIN_MODE: wrong })).toContain('CONTAIN_MODE: must be observe, enforce')
    }
  })

  it('names everything that is missing at once', () => {
    const message = faultsOf({})
    for (const name of ['DATABASE_URL', 'REDIS_URL', 'ATO_HMAC_SECRET', 'SESSION_SIGNING_KEYS', 'PASSWORD_PEPPER']) {
      expect(message).toContain(`${name}: is missing`)
    }
  })

  it('treats an empty variable as missing', () => {
    expect(faultsOf({ ...productionEnv(), ATO_HMAC_SECRET: '' })).toContain('ATO_HMAC_SECRET: is missing')
  })

  it.each(['ATO_HMAC_SECRET', 'ATO_WEBHOOK_SECRET', 'DEVICE_HASH_KEY', 'TOTP_KEY', 'PASSWORD_PEPPER'])(
    'refuses a %s of 31 bytes and takes one of 32',
    (name) => {
      expect(faultsOf({ ...productionEnv(), [name]: 'x'.repeat(31) })).toContain(
        `${name} (0): must be at least 32 bytes`,
      )
      expect(faultsOf({ ...productionEnv(), [name]: 'x'.repeat(32) })).toBe('')
    },
  )

  it('counts bytes, and measures every secret of a rotating list', () => {
    expect(faultsOf({ ...productionEnv(), TOTP_KEY: 'é'.repeat(16) })).toBe('')
    const rotating = `${'x'.repeat(32)},short`
    expect(faultsOf({ ...productionEnv(), TOTP_KEY: rotating })).toContain('TOTP_KEY (1): must be at least 32 bytes')
  })

  it('refuses lab secrets outside the lab', () => {
    const { ATO_HMAC_SECRET, SESSION_SIGNING_KEYS } = labEnv()
    const message = faultsOf({ ...productionEnv(), ATO_HMAC_SECRET, SESSION_SIGNING_KEYS })
    expect(message).toContain('ATO_HMAC_SECRET: is a lab secret')
    expect(message).toContain('SESSION_SIGNING_KEYS: is a lab secret')
  })

  it('finds a lab secret in the middle of a rotating list', () => {
    const TOTP_KEY = `${'x'.repeat(32)},lab-${'x'.repeat(32)}`
    expect(faultsOf({ ...productionEnv(), TOTP_KEY })).toContain('TOTP_KEY: is a lab secret')
  })

  it('keeps the lab on loopback, and everything else on https', () => {
    expect(faultsOf({ ...labEnv(), WEB_ORIGIN: 'https://app.example.com' })).toContain('must be a loopback origin')
    expect(faultsOf({ ...productionEnv(), WEB_ORIGIN: 'http://app.example.com' })).toContain('must be https')
  })

  it('takes VPN ranges as CIDR blocks, none by default, and refuses an address without its bits', () => {
    const ranges = (TRAVEL_VPN_RANGES: string) => parseFunctionsConfig({ ...productionEnv(), TRAVEL_VPN_RANGES })
    expect(ranges('').TRAVEL_VPN_RANGES).toEqual([])
    expect(ranges('203.0.113.0/24, 2001:db8::/32').TRAVEL_VPN_RANGES).toEqual(['203.0.113.0/24', '2001:db8::/32'])
    expect(faultsOf({ ...productionEnv(), TRAVEL_VPN_RANGES: '203.0.113.9' })).toContain(
      'TRAVEL_VPN_RANGES (0): must be CIDR blocks',
    )
  })

  it('takes renewal and grace from five seconds on, and no grace that outlasts a renewal', () => {
    const faults = (SESSION_RENEW_SECONDS: string, SESSION_GRACE_SECONDS: string) =>
      faultsOf({ ...productionEnv(), SESSION_RENEW_SECONDS, SESSION_GRACE_SECONDS })
    expect(parseWebConfig(productionEnv())).toMatchObject({ SESSION_RENEW_SECONDS: 300, SESSION_GRACE_SECONDS: 30 })
    expect(faults('5', '5')).toBe('')
    expect(faults('4', '5')).toContain('SESSION_RENEW_SECONDS: ')
    expect(faults('5', '4')).toContain('SESSION_GRACE_SECONDS: ')
    expect(faults('20', '20')).toBe('')
    expect(faults('20', '')).toContain('SESSION_GRACE_SECONDS: must not be more than SESSION_RENEW_SECONDS')
  })

  it('takes canaries in the form of logins, none by default, and only addresses', () => {
    const canaries = (CANARY_ADDRESSES: string) => parseFunctionsConfig({ ...productionEnv(), CANARY_ADDRESSES })
    expect(canaries('').CANARY_ADDRESSES).toEqual([])
    expect(canaries(' Payroll@Example.com, a@example.com,').CANARY_ADDRESSES).toEqual([
      'payroll@example.com',
      'a@example.com',
    ])
    expect(faultsOf({ ...productionEnv(), CANARY_ADDRESSES: 'a@example.com,payroll' })).toContain(
      'CANARY_ADDRESSES (1): must be email addresses',
    )
  })

  it.each([
    'mail.example.com',
    'http://mail.example.com',
    'smtps://',
    'smtps://mail.example.com/?tls.rejectUnauthorized=false',
    'smtp://mail.example.com:587/path',
  ])('refuses %s as a mail server', (SMTP_URL) => {
    expect(faultsOf({ ...productionEnv(), SMTP_URL })).toContain('SMTP_URL: must be a URL such as smtps://')
  })

  it('asks for a mail server and a sender', () => {
    const { SMTP_URL, MAIL_FROM, ...rest } = productionEnv()
    expect(faultsOf(rest)).toMatch(/SMTP_URL: is missing[\s\S]*MAIL_FROM: is missing/)
    expect(faultsOf({ ...rest, SMTP_URL, MAIL_FROM: 'Anna' })).toContain('MAIL_FROM: must be an email address')
    expect(faultsOf({ ...rest, SMTP_URL: 'smtp://mail.example.com:587', MAIL_FROM })).toBe('')
  })

  it('keeps the mail of the lab on this machine, and its mailbox out of everything else', () => {
    expect(faultsOf({ ...labEnv(), SMTP_URL: 'smtps://mail.example.com' })).toContain('SMTP_URL: must be a loopback')
    const LAB_MAILBOX_URL = 'http://127.0.0.1:8126/mail'
    expect(parseWebConfig({ ...labEnv(), LAB_MAILBOX_URL }).LAB_MAILBOX_URL).toBe(LAB_MAILBOX_URL)
    expect(() => parseWebConfig({ ...labEnv(), LAB_MAILBOX_URL: 'https://mail.example.com' })).toThrow('loopback')
    expect(() => parseWebConfig({ ...productionEnv(), LAB_MAILBOX_URL })).toThrow('is for the lab only')
  })

  it('has exactly one way to the tables', () => {
    const { TABLES_CONNECTION, ...without } = productionEnv()
    const TABLES_URL = 'https://account.table.core.windows.net'
    expect(faultsOf({ ...without, TABLES_URL })).toBe('')
    expect(faultsOf(without)).toContain('TABLES_URL, TABLES_CONNECTION: exactly one of them must be set, and none is')
    expect(faultsOf({ ...without, TABLES_URL, TABLES_CONNECTION })).toContain('and both are')
    expect(faultsOf({ ...without, TABLES_URL: 'http://account.example.com' })).toContain('TABLES_URL: must be an https')
    expect(faultsOf({ ...without, TABLES_URL: `${TABLES_URL}?sv=x` })).toContain('TABLES_URL: must be an https')
  })

  it('refuses the secret of an application without its ids', () => {
    const env = { ...productionEnv(), AZURE_CLIENT_SECRET: 'canary', AZURE_CLIENT_ID: 'id' }
    expect(faultsOf(env)).toContain('AZURE_CLIENT_SECRET: needs AZURE_CLIENT_ID and AZURE_TENANT_ID')
    expect(faultsOf({ ...env, AZURE_TENANT_ID: 'tenant' })).toBe('')
  })

  it('takes a certificate for an authority, and nothing else', () => {
    expect(faultsOf({ ...productionEnv(), REDIS_CA: selfSigned('x').cert })).toBe('')
    expect(faultsOf({ ...productionEnv(), REDIS_CA: 'ca.pem' })).toContain('REDIS_CA: must be a certificate in PEM')
  })

  it('of a release needs only the database, and of web no key of functions', () => {
    const { DATABASE_URL, ATO_WEBHOOK_SECRET, SESSION_SIGNING_KEYS, TOTP_KEY, PASSWORD_PEPPER, ...web } =
      productionEnv()
    expect(parseMigrateConfig({ DATABASE_URL }).DATABASE_URL.reveal()).toBe(DATABASE_URL)
    expect(parseWebConfig(web).TLS_INSECURE).toBe(false)
  })

  it('asks for open alerts with both keys and a place, or not at all', () => {
    const faults = (env: NodeJS.ProcessEnv) => faultsOf({ ...productionEnv(), ...env })
    const keys = { DD_API_KEY: 'canary-api', DD_APP_KEY: 'canary-app' }
    expect(faults({ ...keys, DD_SITE: 'datadoghq.eu' })).toBe('')
    expect(faults({ ...keys, DD_API_URL: 'https://api.datadoghq.eu' })).toBe('')
    expect(faults({ DD_APP_KEY: 'canary-app', DD_SITE: 'datadoghq.eu' })).toContain('DD_APP_KEY: needs DD_API_KEY')
    expect(
      faults({ DD_API_KEY: 'canary-api', DD_SITE: 'datadoghq.eu', DD_API_URL: 'https://x.example.com' }),
    ).toContain('DD_API_URL: needs DD_APP_KEY')
    expect(faults(keys)).toContain('DD_SITE: is missing, and DD_APP_KEY is set')
    expect(faults({ ...keys, DD_API_URL: 'http://api.datadoghq.eu' })).toContain('DD_API_URL: must be https')
    expect(faults({ ...keys, DD_API_URL: 'https://api.datadoghq.eu/api' })).toContain('DD_API_URL: must be an origin')
    expect(faults({ ...keys, DD_SITE: 'datadoghq.eu', DD_APP_KEY: 'lab-x' })).toContain('DD_APP_KEY: is a lab secret')
    expect(faultsOf({ ...labEnv(), ...keys, DD_API_URL: 'https://api.datadoghq.eu' })).toContain('must be a loopback')
    expect(faultsOf({ ...labEnv(), ...keys })).toBe('')
    expect(faults({ ...keys, DD_API_URL: 'canary' })).not.toMatch(/canary/)
  })

  describe('of RUM', () => {
    const RUM_APP_ID = 'b9a3a3a0-6f0e-4c8e-9a55-3d6f0f0f7a11'
    const RUM_CLIENT_TOKEN = 'pub0123456789abcdef0123456789abcdef'
    const rumFaultsOf = (rum: NodeJS.ProcessEnv, env: NodeJS.ProcessEnv = productionEnv()): string => {
      try {
        parseWebConfig({ ...env, ...rum })
        return ''
      } catch (error) {
        if (error instanceof ConfigError) return error.message
        throw error
      }
    }

    it('is usable without any of it, and with both its application and its token', () => {
      expect(parseWebConfig(productionEnv()).RUM_APP_ID).toBeUndefined()
      const config = parseWebConfig({ ...productionEnv(), RUM_APP_ID, RUM_CLIENT_TOKEN })
      expect(config).toMatchObject({ RUM_APP_ID, RUM_CLIENT_TOKEN, DD_SITE: 'datadoghq.com' })
    })

    it('names the half that is missing', () => {
      expect(rumFaultsOf({ RUM_APP_ID })).toContain('RUM_CLIENT_TOKEN: is missing, and RUM_APP_ID is set')
      expect(rumFaultsOf({ RUM_CLIENT_TOKEN })).toContain('RUM_APP_ID: is missing, and RUM_CLIENT_TOKEN is set')
      expect(rumFaultsOf({ RUM_APP_ID: '', RUM_CLIENT_TOKEN })).toContain('RUM_APP_ID: is missing')
      expect(rumFaultsOf({ RUM_PROXY: 'https://rum.example.com/' })).toContain('RUM_PROXY: needs RUM_APP_ID')
    })

    it.each([
      [{ RUM_APP_ID: 'x' }, 'RUM_APP_ID: must be the id of a RUM application'],
      [{ RUM_CLIENT_TOKEN: '0123456789abcdef0123456789abcdef' }, 'RUM_CLIENT_TOKEN: must be a client token'],
      [{ DD_SITE: "datadoghq.com; script-src 'unsafe-inline'" }, 'DD_SITE: must be one of datadoghq.com, us3.'],
      [{ RUM_PROXY: 'javascript:alert(1)' }, 'RUM_PROXY: must be a URL'],
      [{ RUM_PROXY: 'https://rum.example.com/?x=1' }, 'RUM_PROXY: must be a URL'],
      [{ RUM_PROXY: 'https://user:secret@rum.example.com/' }, 'RUM_PROXY: must be a URL'],
      [{ RUM_PROXY: 'http://rum.example.com/' }, 'RUM_PROXY: must be https outside the lab'],
    ])('refuses %j, and prints none of it', (rum, fault) => {
      const message = rumFaultsOf({ RUM_APP_ID, RUM_CLIENT_TOKEN, ...rum })
      expect(message).toContain(fault)
      for (const value of Object.values(rum)) if (value.length > 1) expect(message).not.toContain(value)
    })

    it('stays on loopback in the lab', () => {
      const rum = { RUM_APP_ID, RUM_CLIENT_TOKEN }
      expect(rumFaultsOf({ ...rum, RUM_PROXY: 'http://127.0.0.1:8126/rum' }, labEnv())).toBe('')
      expect(rumFaultsOf({ ...rum, RUM_PROXY: 'https://rum.example.com/' }, labEnv())).toContain(
        'RUM_PROXY: must be a loop',
      )
    })
  })

  it('never prints a value', () => {
    const canary = 'canary-value-of-a-secret'
    const env = { ...productionEnv(), ATO_HMAC_SECRET: canary, SESSION_SIGNING_KEYS: canary, REDIS_URL: canary }
    expect(faultsOf(env)).not.toContain(canary)
  })

  it('prints its secrets as [redacted] wherever they end up', () => {
    const config = parseFunctionsConfig(productionEnv())
    const printed = `${inspect(config, { depth: 5 })} ${JSON.stringify(config)} ${config.TOTP_KEY[0]}`
    expect(printed).toContain('[redacted]')
    for (const secret of config.ATO_HMAC_SECRET) expect(printed).not.toContain(secret.reveal())
  })
})
