import { TableClient, TableServiceClient, type TableServiceClientOptions } from '@azure/data-tables'
import type { TokenCredential } from '@azure/identity'
import { StoreGuard } from '../guard.ts'
import { boundedRequests } from './bounded-requests.ts'

export interface TablesOptions {
  /** Put before every table's name, so that tests share an account: letters and digits, the first a letter. */
  prefix?: string | undefined
}

/** A connection string, or an account's table endpoint and who asks. */
export type TablesSource = string | { readonly url: string; readonly credential: TokenCredential }

/** The tables of one account, by their short names. */
export interface Tables {
  /** The table, which is created at its first use. */
  open(name: string): Promise<TableClient>
  /** @throws StoreAway when the service does not answer in time, or refuses the key */
  ping(): Promise<void>
}

/**
 * Policies of the library that do nothing for this client, at a cost for each request. Retries and redirects are switched
 * off, the agent is set, the signal is a native one, no form is sent, and nobody reads the spans and the log.
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
    // Both are the guard's: the library's retries wait as long as the service says, whoever waits for them.
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
        // What failed once is tried again at the next use.
        table.catch(() => created.delete(name))
      }
      return table
    },
    ping: () => guard.ping(() => serviceOf().listTables().byPage({ maxPageSize: 1 }).next()),
  }
}

/** Azurite speaks plain http; an account on the network does not get its key's signatures sent in the clear. */
function isLoopback(connectionString: string): boolean {
  const [, endpoint] = /(?:^|;)TableEndpoint=([^;]+)/i.exec(connectionString) ?? []
  if (endpoint === undefined) return /(?:^|;)UseDevelopmentStorage=true/i.test(connectionString)
  return URL.canParse(endpoint) && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(endpoint).hostname)
}
