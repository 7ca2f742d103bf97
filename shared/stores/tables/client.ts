import { TableClient, TableServiceClient, type TableServiceClientOptions } from '@azure/data-tables'
import type { TokenCredential } from '@azure/identity'
import { StoreGuard } from '../guard.ts'
import { boundedRequests } from './bounded-requests.ts'

export interface TablesOptions {
  /** A prefix of every table name, so that tests can share an account: letters and digits, a letter first. */
  prefix?: string | undefined
}

/** A connection string, or the table endpoint of an account and a credential. */
export type TablesSource = string | { readonly url: string; readonly credential: TokenCredential }

/** The tables of one account, by their short names. */
export interface Tables {
  /** Opens a table, and creates it at its first use. */
  open(name: string): Promise<TableClient>
  /** @throws StoreUnavailable when the service does not answer in time, or refuses the key */
  ping(): Promise<void>
}

/**
 * Policies of the library that this client does not need and that cost time per request. Retries and redirects are
 * off, the agent is set, the signal is native, no form is sent, and nobody reads spans or the library's log.
 */
const IDLE_POLICIES = [
  'defaultRetryPolicy',
  'redirectPolicy',
  'proxyPolicy',
  'wrapAbortSignalLikePolicy',
  'formDataPolicy',
  'tracingPolicy',
  'logPolicy',
]

function trimmed(client: TableClient): TableClient {
  for (const name of IDLE_POLICIES) client.pipeline.removePolicy({ name })
  return client
}

/** @param source plain http is accepted for a loopback endpoint only */
export function createTablesClient(source: TablesSource, { prefix = '' }: TablesOptions = {}): Tables {
  const guard = new StoreGuard('tables')
  const options: TableServiceClientOptions = {
    allowInsecureConnection: typeof source === 'string' && isLoopback(source),
    // The guard does both. The retries of the library wait as long as the service says, whatever the caller's limit.
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
    additionalPolicies: [{ position: 'perCall', policy: boundedRequests(guard, () => created.clear()) }],
  }
  const created = new Map<string, Promise<TableClient>>()

  async function create(name: string): Promise<TableClient> {
    const table = clientOf(`${prefix}${name}`)
    await table.createTable()
    return table
  }
  const clientOf = (name: string) =>
    trimmed(
      typeof source === 'string'
        ? TableClient.fromConnectionString(source, name, options)
        : new TableClient(source.url, name, source.credential, options),
    )
  const serviceOf = () =>
    typeof source === 'string'
      ? TableServiceClient.fromConnectionString(source, options)
      : new TableServiceClient(source.url, source.credential, options)

  return {
    open(name) {
      let table = created.get(name)
      if (!table) {
        table = create(name)
        created.set(name, table)
        // A failure is not kept: the next use tries again.
        table.catch(() => created.delete(name))
      }
      return table
    },
    ping: () => guard.ping(() => serviceOf().listTables().byPage({ maxPageSize: 1 }).next()),
  }
}

/**
 * Whether a URL is on this machine. Azurite uses plain http; requests to an account on the network must be encrypted.
 */
function isLoopback(connectionString: string): boolean {
  const [, endpoint] = /(?:^|;)TableEndpoint=([^;]+)/i.exec(connectionString) ?? []
  if (endpoint === undefined) return /(?:^|;)UseDevelopmentStorage=true/i.test(connectionString)
  return URL.canParse(endpoint) && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(endpoint).hostname)
}
