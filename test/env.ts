import { generateKeyPairSync, randomBytes } from 'node:crypto'

const jwks = (kid: string): string => {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return JSON.stringify({ keys: [{ kty, crv, x, d, kid, alg: 'EdDSA', use: 'sig' }] })
}
const secret = (prefix: string): string => `${prefix}${randomBytes(24).toString('base64url')}`

const secrets = (prefix: string) => ({
  ATO_HMAC_SECRET: secret(prefix),
  ATO_WEBHOOK_SECRET: secret(prefix),
  DEVICE_HASH_KEY: secret(prefix),
  TOTP_KEY: secret(prefix),
  PASSWORD_PEPPER: secret(prefix),
  SESSION_SIGNING_KEYS: jwks(`${prefix}1`),
})

const stores = {
  DATABASE_URL: 'postgres://user:secret@127.0.0.1:5432/app',
  REDIS_URL: 'redis://127.0.0.1:6379',
  TABLES_CONNECTION: 'UseDevelopmentStorage=true',
  MAIL_FROM: 'no-reply@example.com',
}

/** A whole environment as the lab makes it, with fresh secrets at every call. */
export const labEnv = () => ({
  ...stores,
  ...secrets('lab-'),
  ATO_LAB: '1',
  SMTP_URL: 'smtp://127.0.0.1:1',
  WEB_ORIGIN: 'http://localhost:8000',
  FUNCTIONS_ORIGIN: 'http://localhost:7071',
})

/** A whole environment as a deployment has it. */
export const productionEnv = () => ({
  ...stores,
  ...secrets('prod-key-'),
  SMTP_URL: 'smtps://user:secret@mail.example.com',
  WEB_ORIGIN: 'https://app.example.com',
  FUNCTIONS_ORIGIN: 'https://api.example.com',
})
