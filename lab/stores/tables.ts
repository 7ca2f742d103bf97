import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { beforeItEnds, startNode } from '../processes/part.ts'
import { freePort, withFreePort } from '../processes/ports.ts'
import { deferred } from '../start/deferred.ts'
import type { RunningStore, StoreOptions } from './store.ts'

const require = createRequire(import.meta.url)
const READY_MS = 30_000
/** Not the emulator's well-known account, whose key is public. */
const ACCOUNT = 'atolab'
const SERVICES = { Table: 'table/main.js', Blob: 'blob/main.js', Queue: 'queue/main.js' } as const
type Service = keyof typeof SERVICES

/**
 * Starts Azurite's table service on the persistent data in `<dir>/azurite`. With `withBlobAndQueue` also starts its blob and
 * queue services, which Azure's Functions host needs for timers, and includes them in the connection string.
 */
export async function startTables(options: StoreOptions & { withBlobAndQueue?: boolean }): Promise<RunningStore> {
  const wanted: Service[] = options.withBlobAndQueue ? ['Table', 'Blob', 'Queue'] : ['Table']
  const results = await Promise.allSettled(wanted.map((service) => startService(service, options)))
  const running = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const close = async () => void (await Promise.all(running.map(({ part }) => part.stop())))
  const failed = results.find((result) => result.status === 'rejected')
  const [table] = running
  if (failed || !table) {
    await close()
    throw failed?.reason ?? new Error('Azurite did not start')
  }
  const endpoints = running.map(({ service, port }) => `${service}Endpoint=http://127.0.0.1:${port}/${ACCOUNT};`)
  return {
    name: 'Tables',
    detail: options.withBlobAndQueue ? 'Azurite with blob and queue' : 'Azurite',
    connection: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${options.secrets.TABLES_ACCOUNT_KEY};${endpoints.join('')}`,
    pid: table.part.pid,
    pids: running.map(({ part }) => part.pid),
    durable: true,
    ended: Promise.race(running.map(({ part }) => part.ended)),
    close,
  }
}

async function startService(service: Service, options: StoreOptions) {
  const location = join(options.dir, 'azurite')
  await mkdir(location, { recursive: true, mode: 0o700 })
  const flag = service.toLowerCase()
  return withFreePort(
    async (port) => {
      const ready = deferred()
      const part = startNode({
        name: `Azurite ${flag} service`,
        script: require.resolve(`azurite/dist/src/${SERVICES[service]}`),
        args: [
          ...[`--${flag}Host`, '127.0.0.1', `--${flag}Port`, String(port), '--location', location],
          ...['--silent', '--skipApiVersionCheck', '--disableTelemetry'],
        ],
        env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${options.secrets.TABLES_ACCOUNT_KEY}` },
        // Only on this signal it writes its data before it ends.
        stopSignal: 'SIGINT',
        onStdout(line) {
          options.onLine?.(line)
          if (line.includes('successfully')) ready.resolve()
        },
        ...(options.onLine ? { onStderr: options.onLine } : {}),
      })
      await beforeItEnds(part, ready.promise, READY_MS)
      return { service, part, port }
    },
    service === 'Table' ? options.port : await freePort(),
  )
}
