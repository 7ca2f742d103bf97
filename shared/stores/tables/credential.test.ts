import { expect, it, vi } from 'vitest'
import { Secret } from '../../secret.ts'
import { azureCredential } from './credential.ts'

const made = vi.hoisted((): unknown[][] => [])
vi.mock('@azure/identity', () => {
  const fake = (name: string) =>
    class {
      constructor(...given: unknown[]) {
        made.push([name, ...given])
      }
      getToken = async () => ({ token: name, expiresOnTimestamp: 0 })
    }
  return {
    ManagedIdentityCredential: fake('managed'),
    ClientSecretCredential: fake('application'),
  }
})

const APPLICATION = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: new Secret('s') }
const options = expect.objectContaining({ retryOptions: expect.anything() })

it.each([
  ['the identity of its host', {}, ['managed', options]],
  ['the one that is named', { AZURE_CLIENT_ID: 'c' }, ['managed', expect.objectContaining({ clientId: 'c' })]],
  ['the application whose secret it has', APPLICATION, ['application', 't', 'c', 's', options]],
])('asks as %s, and is made at the first token', async (_, identity, expected) => {
  made.length = 0
  const credential = azureCredential(identity)
  expect(made).toEqual([])
  const tokens = await Promise.all([credential.getToken('scope'), credential.getToken('scope')])
  expect(tokens[0]?.token).toBe(expected[0])
  expect(made).toEqual([expected])
})
