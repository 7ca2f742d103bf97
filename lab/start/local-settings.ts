import { unchecked } from '../../shared/unchecked.ts'
import { readJson, writePrivate } from './files.ts'

/** Marks a file that this command wrote; no program reads it. */
const MARK = { ATO_SETTINGS_WRITTEN_BY: 'npm run lab:stores' }

interface LocalSettings {
  readonly IsEncrypted?: boolean
  readonly Values?: Readonly<Record<string, string>>
  readonly Host?: Readonly<Record<string, unknown>>
}

export interface SettingsToWrite {
  readonly settings: Readonly<Record<string, string>>
  /** A connection string with blob and queue, where the host keeps the locks of timers. */
  readonly storage: string
  /** The port on which `func start` listens. */
  readonly port: number
  readonly force: boolean
}

/**
 * Writes the settings that `func start` reads, with mode 600 because they hold the lab's secrets. Settings that a person
 * added to such a file are kept.
 * @throws when another program wrote the file and `force` is not set
 */
export async function writeLocalSettings(
  path: string,
  { settings, storage, port, force }: SettingsToWrite,
): Promise<void> {
  const found = unchecked<LocalSettings | undefined>(await readJson(path))
  const ours = found?.Values?.ATO_SETTINGS_WRITTEN_BY === MARK.ATO_SETTINGS_WRITTEN_BY
  if (found && !ours && !force) {
    throw new Error(`${path} was not written by this command. Move it, or replace it with --force.`)
  }
  const Values = {
    ...(ours ? found?.Values : {}),
    ...MARK,
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storage,
    ...settings,
  }
  const Host = { ...(ours ? found?.Host : {}), LocalHttpPort: port }
  await writePrivate(path, `${JSON.stringify({ IsEncrypted: false, Values, Host }, null, 2)}\n`)
}
