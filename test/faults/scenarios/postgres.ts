import pg from 'pg'
import type { Fault } from '../drill.ts'
import { freeze } from '../processes.ts'
import { drilled, type Group, type Scenario } from '../scenario.ts'

const CONNECTIONS = 220

const faults: readonly (readonly [name: string, fault: string, injected: string, seconds: number, begin: Fault])[] = [
  ['paused', 'Postgres paused for 8 s', 'SIGSTOP of every process', 8, (stage) => freeze(stage.postgres.pid)],
  [
    'restarted',
    'Postgres restarted',
    'stopped, started after 3 s',
    3,
    async (stage) => {
      await stage.postgres.stop()
      return () => stage.postgres.start()
    },
  ],
  [
    'killed',
    'Postgres killed',
    'SIGKILL, started after 3 s',
    3,
    async (stage) => {
      await writeDown(stage.postgres.connection)
      await stage.postgres.kill()
      return () => stage.postgres.start()
    },
  ],
  [
    'full',
    'Postgres out of connections',
    "all of them held, and the apps' cut",
    6,
    async (stage) => {
      stage.proxies.postgres.reset()
      const clients: pg.Client[] = []
      for (let made = 0; made < CONNECTIONS; made++) {
        const client = new pg.Client({ connectionString: stage.postgres.connection })
        client.on('error', () => {})
        const opened = await client.connect().then(
          () => true,
          () => false,
        )
        if (!opened) break
        clients.push(client)
      }
      return async () => void (await Promise.all(clients.map((client) => client.end())))
    },
  ],
  [
    'slow',
    'Postgres slow by 1,500 ms each way',
    'proxy',
    6,
    async (stage) => {
      await stage.proxies.postgres.slow(1500)
      return stage.proxies.postgres.pass
    },
  ],
]

/** The lab's Postgres answers before its log is written: without this a kill takes accounts that were just opened. */
async function writeDown(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query('CHECKPOINT')
  } finally {
    await client.end()
  }
}

const ofSession = faults.map(
  ([name, fault, injected, seconds, begin]): Scenario =>
    drilled({ name: `postgres-${name}`, fault, injected, seconds, begin }),
)
const ofUser = faults.map(
  ([name, fault, injected, seconds, begin]): Scenario =>
    drilled({
      name: `postgres-${name}-user`,
      fault: `${fault}, \`revoke_user\``,
      injected,
      seconds,
      begin,
      victims: 10,
      trigger: 'otp-replay',
    }),
)

export const postgres: Group = { name: 'postgres', scenarios: [...ofSession, ...ofUser] }
