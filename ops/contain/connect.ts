import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Io } from '../../cli/command.ts'
import { createDeps, type FunctionsDeps } from '../../functions/deps.ts'
import { createFunctionsLog, LINES_LOST, logIntakeUrl } from '../../functions/log.ts'
import { appEnvironments } from '../../lab/start/environment.ts'
import { readRunFile } from '../../lab/start/run-file.ts'
import { loadSecrets } from '../../lab/start/secrets.ts'
import { parseFunctionsConfig } from '../../shared/config.ts'

/**
 * What functions has, with a log of its own: events go to the intake that Datadog reads, and to stderr where there is none or
 * where it cannot be reached.
 * @throws when neither the environment nor a lab says where the ledger is
 */
export async function connect(dir: string, io: Pick<Io, 'err'>): Promise<FunctionsDeps> {
  const isLab = !process.env.DATABASE_URL
  const config = parseFunctionsConfig(isLab ? await labEnvironment(dir) : process.env)
  const isSent = logIntakeUrl(config) !== undefined && config.DD_API_KEY !== undefined
  const sent: string[] = []
  const log = createFunctionsLog(config, {
    write(line: string) {
      const { evt, message } = JSON.parse(line) as { evt?: unknown; message?: unknown }
      const isEvent = typeof evt === 'string'
      if (isEvent && isLab) keep(line, dir)
      if (isEvent && isSent) sent.push(line)
      else io.err(line)
      // Which ones were lost is not known: all of them are told.
      if (message === LINES_LOST) for (const each of sent.splice(0)) io.err(each)
    },
  })
  const hashWorker = fileURLToPath(new URL('../../dist/hash-worker.cjs', import.meta.url))
  return createDeps(config, { hashWorker }, log)
}

/** In the lab's own record as well, which search and replay read. A disk that is full costs the line there. */
function keep(line: string, dir: string): void {
  try {
    appendFileSync(join(dir, 'logs', 'events.jsonl'), line)
  } catch {}
}

async function labEnvironment(dir: string): Promise<Readonly<Record<string, string>>> {
  const run = await readRunFile(dir)
  if (!run) {
    throw new Error(
      'No lab runs here and DATABASE_URL is not set. Start one (npm start), or set the deployment’s variables.',
    )
  }
  const { web, functions, datadog } = run.urls
  const mail = { smtpUrl: 'smtp://127.0.0.1:1', mailboxUrl: `${datadog}/mail` } // this command sends none
  const secrets = await loadSecrets(dir)
  const apps = appEnvironments({ secrets, stores: run.stores, origins: { web, functions }, mail })
  return { ...apps.functions, DD_LOGS_URL: `${datadog}/api/v2/logs` }
}
