// Containment on the command line: what `npm run contain` reads and prints around ops/contain.

import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Io } from 'alertproof/cli'
import type { FunctionsDeps } from '../../functions/deps.ts'
import { appEnvironments } from '../../lab/start/environment.ts'
import { readRunFile } from '../../lab/start/run-file.ts'
import { loadSecrets } from '../../lab/start/secrets.ts'
import { connect } from '../../ops/contain/connect.ts'

/**
 * Opens the ledger of the deployment that the environment configures, or the ledger of the running lab.
 * @param dir the lab's directory
 * @throws when DATABASE_URL is not set and no lab runs
 */
export async function openLedger(dir: string, io: Pick<Io, 'err'>): Promise<FunctionsDeps> {
  if (process.env.DATABASE_URL) return connect({ environment: process.env, print: io.err })
  return openLabLedger(dir, io.err)
}

/**
 * Opens the ledger of the running lab.
 * @param print called with each line that is no event
 * @throws when no lab runs
 */
export async function openLabLedger(dir: string, print: (line: string) => void): Promise<FunctionsDeps> {
  // Also appended to the lab's log, which search and replay read. A failed write, as on a full disk, is ignored.
  const keep = (line: string) => {
    try {
      appendFileSync(join(dir, 'logs', 'events.jsonl'), line)
    } catch {}
  }
  return connect({ environment: await labEnvironment(dir), print, keep })
}

async function labEnvironment(dir: string): Promise<Readonly<Record<string, string>>> {
  const run = await readRunFile(dir)
  if (!run) {
    throw new Error(
      'No lab runs here and DATABASE_URL is not set. Start one (npm start), or set the deployment’s variables.',
    )
  }
  const { web, functions, datadog } = run.urls
  const mail = { smtpUrl: 'smtp://127.0.0.1:1', mailboxUrl: `${datadog}/mail` } // this command sends no mail
  const secrets = await loadSecrets(dir)
  const apps = appEnvironments({ secrets, stores: run.stores, origins: { web, functions }, mail })
  return { ...apps.functions, DD_LOGS_URL: `${datadog}/api/v2/logs` }
}
