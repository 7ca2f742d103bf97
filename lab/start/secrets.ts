import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { createPrivate, readJson } from './files.ts'

const LabValue = z.string().startsWith('lab-').min(32)

const LabSecrets = z.object({
  ATO_HMAC_SECRET: LabValue,
  ATO_WEBHOOK_SECRET: LabValue,
  DEVICE_HASH_KEY: LabValue,
  TOTP_KEY: LabValue,
  PASSWORD_PEPPER: LabValue,
  DD_API_KEY: LabValue,
  DD_APP_KEY: LabValue,
  /** The stand-in's `ATO_FUNCTION_KEY`, which Azure checks and the lab's host does not. */
  ATO_FUNCTION_KEY: LabValue,
  /** A JWK Set with private keys, as JSON text. */
  SESSION_SIGNING_KEYS: z.string().startsWith('{"keys":[{'),
  /** Passwords of the embedded stores. */
  POSTGRES_PASSWORD: LabValue,
  TABLES_ACCOUNT_KEY: z.base64(),
})

/** All secrets of a lab, by the name of the apps' configuration. */
export type LabSecrets = Readonly<z.infer<typeof LabSecrets>>

/**
 * The secrets of the lab in this directory. They are created once and then read from `secrets.json` (mode 600). Two
 * concurrent processes get the same ones.
 * @throws naming the missing secrets of an incomplete file
 */
export async function loadSecrets(dir: string): Promise<LabSecrets> {
  const path = join(dir, 'secrets.json')
  if ((await readJson(path)) === undefined) {
    await createPrivate(path, `${JSON.stringify(generateSecrets(), null, 2)}\n`)
  }
  const result = LabSecrets.safeParse(await readJson(path))
  if (!result.success) {
    throw new Error(
      `${path} is not usable. Delete the lab's data with \`npm run lab:reset\`:\n${z.prettifyError(result.error)}`,
    )
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
