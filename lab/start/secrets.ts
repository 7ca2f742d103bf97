import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { createPrivate, readJson } from './files.ts'

const labValue = z.string().startsWith('lab-').min(32)

const LabSecrets = z.object({
  ATO_HMAC_SECRET: labValue,
  ATO_WEBHOOK_SECRET: labValue,
  DEVICE_HASH_KEY: labValue,
  TOTP_KEY: labValue,
  PASSWORD_PEPPER: labValue,
  DD_API_KEY: labValue,
  DD_APP_KEY: labValue,
  /** Given to the stand-in as `ATO_FUNCTION_KEY`: what Azure would check, and the lab's host does not. */
  ATO_FUNCTION_KEY: labValue,
  /** A JWK Set with private keys, as JSON text. */
  SESSION_SIGNING_KEYS: z.string().startsWith('{"keys":[{'),
  /** Of the embedded stores; they never leave the lab. */
  POSTGRES_PASSWORD: labValue,
  TABLES_ACCOUNT_KEY: z.base64(),
})

/** Every secret of one lab, by the name under which the apps' configuration reads it. */
export type LabSecrets = Readonly<z.infer<typeof LabSecrets>>

/**
 * The secrets of the lab in this directory: made once, then read from `secrets.json` (mode 600). Two processes that
 * come at the same time get the same ones.
 * @throws when the file is there but lacks something, by name
 */
export async function loadSecrets(dir: string): Promise<LabSecrets> {
  const path = join(dir, 'secrets.json')
  if ((await readJson(path)) === undefined) {
    await createPrivate(path, `${JSON.stringify(generateSecrets(), null, 2)}\n`)
  }
  const result = LabSecrets.safeParse(await readJson(path))
  if (!result.success) {
    throw new Error(`${path} is not usable; \`npm run lab:reset\` makes a new lab:\n${z.prettifyError(result.error)}`)
  }
  return Object.freeze(result.data)
}

function generateSecrets(): LabSecrets {
  return {
    ATO_HMAC_SECRET: secret(),
    ATO_WEBHOOK_SECRET: secret(),
    DEVICE_HASH_KEY: secret(),
    TOTP_KEY: secret(),
    PASSWORD_PEPPER: secret(),
    DD_API_KEY: `lab-${randomBytes(16).toString('hex')}`,
    DD_APP_KEY: `lab-${randomBytes(20).toString('hex')}`,
    ATO_FUNCTION_KEY: secret(),
    SESSION_SIGNING_KEYS: JSON.stringify({ keys: [signingKey()] }),
    POSTGRES_PASSWORD: secret(),
    TABLES_ACCOUNT_KEY: randomBytes(64).toString('base64'),
  }
}

function secret(): string {
  return `lab-${randomBytes(32).toString('base64url')}`
}

function signingKey(): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const kid = `lab-${randomBytes(8).toString('hex')}`
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' }
}
