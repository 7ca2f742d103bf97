import type { TokenCredential } from '@azure/identity'
import type { Secret } from '../../secret.ts'

/** Who asks for a token, by the names of the configuration. */
export interface AzureIdentity {
  readonly AZURE_CLIENT_ID?: string | undefined
  readonly AZURE_TENANT_ID?: string | undefined
  readonly AZURE_CLIENT_SECRET?: Secret | undefined
}

/** A store that cannot be reached must deny soon, and so must the one that gives the tokens for it. */
const options = { retryOptions: { maxRetries: 1, retryDelayInMs: 200, maxRetryDelayInMs: 200 } }

/**
 * The host's managed identity; with a secret, the application that has it: a host outside Azure has no identity of its
 * own. The library is loaded at the first token, so that a process that needs none starts without it.
 */
export function azureCredential(identity: AzureIdentity): TokenCredential {
  let credential: Promise<TokenCredential> | undefined
  return {
    async getToken(scopes, tokenOptions) {
      credential ??= load(identity)
      return (await credential).getToken(scopes, tokenOptions)
    },
  }
}

async function load({
  AZURE_CLIENT_ID,
  AZURE_TENANT_ID,
  AZURE_CLIENT_SECRET,
}: AzureIdentity): Promise<TokenCredential> {
  const { ClientSecretCredential, ManagedIdentityCredential } = await import('@azure/identity')
  if (AZURE_CLIENT_SECRET && AZURE_CLIENT_ID && AZURE_TENANT_ID) {
    return new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET.reveal(), options)
  }
  return AZURE_CLIENT_ID === undefined
    ? new ManagedIdentityCredential(options)
    : new ManagedIdentityCredential({ ...options, clientId: AZURE_CLIENT_ID })
}
