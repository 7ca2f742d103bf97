import type { TokenCredential } from '@azure/identity'
import type { Secret } from '../../secret.ts'

/** The identity, by the names of the configuration. */
export interface AzureIdentity {
  readonly AZURE_CLIENT_ID?: string | undefined
  readonly AZURE_TENANT_ID?: string | undefined
  readonly AZURE_CLIENT_SECRET?: Secret | undefined
}

/** Few and short retries: a store, or its token service, that cannot be reached must fail soon. */
const OPTIONS = { retryOptions: { maxRetries: 1, retryDelayInMs: 200, maxRetryDelayInMs: 200 } }

/**
 * The managed identity of the host or, with a secret, the application of that secret: a host outside Azure has no
 * identity. The library is loaded at the first token, so that a process without need of one starts faster.
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
    return new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET.reveal(), OPTIONS)
  }
  return AZURE_CLIENT_ID === undefined
    ? new ManagedIdentityCredential(OPTIONS)
    : new ManagedIdentityCredential({ ...OPTIONS, clientId: AZURE_CLIENT_ID })
}
