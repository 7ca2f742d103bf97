import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { duration } from 'alertproof/cli'
import { openMailbox } from '../attacks/kit/clients/mailbox.ts'
import { startLab } from '../lab/start/lab.ts'
import { launchFunctions } from '../lab/start/programs.ts'
import { removeAbandoned, removeLab } from '../lab/stores/remove.ts'
import type { Service } from './client.ts'

const PARENT = fileURLToPath(new URL('../.lab/bench', import.meta.url))

/** The lowest cost that the configuration accepts, which is also its default. */
export const BCRYPT_COST = 10

/** Its port is that of the functions' host behind the edge, so that the edge is not measured. */
export interface BenchLab extends Service {
  readonly failed: Promise<Error>
  close(): Promise<void>
}

/** A separate lab on free ports with empty stores, which is removed afterwards. */
export async function startBenchLab(say: (text: string) => void, signal: AbortSignal): Promise<BenchLab> {
  await removeAbandoned(PARENT)
  const dir = join(PARENT, `${process.pid}-${randomBytes(4).toString('hex')}`)
  let port = 0
  try {
    const lab = await startLab({
      dir,
      ports: { web: 0, functions: 0, datadog: 0 },
      log: say,
      onReady: ({ name, ms }) => say(`  ${name} ready after ${duration(ms)}`),
      signal,
      // All containments are of one detection, and all victims in one site. The cap is raised, because it is not measured.
      settings: { BCRYPT_COST: String(BCRYPT_COST), CONTAIN_CAP: '100000', CONTAIN_CAP_SOURCE: '100000' },
      programs: {
        async functions(options) {
          const launched = await launchFunctions(options)
          port = launched.port
          return launched
        },
      },
    })
    return {
      port,
      mailbox: openMailbox(lab.urls.datadog, signal),
      webhookSecret: lab.secrets.ATO_WEBHOOK_SECRET,
      failed: lab.failed,
      async close() {
        await lab.stop()
        await removeLab(dir)
      },
    }
  } catch (error) {
    await removeLab(dir)
    throw error
  }
}
