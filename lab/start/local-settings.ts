import { readJson, writePrivate } from './files.ts'

/** By this value, among the settings themselves, we know a file of ours again; no program reads it. */
const MARK = { ATO_SETTINGS_WRITTEN_BY: 'npm run lab:stores' }

interface LocalSettings {
  readonly IsEncrypted?: boolean
  readonly Values?: Readonly<Record<string, string>>
  readonly Host?: Readonly<Record<string, unknown>>
}

export interface SettingsToWrite {
  readonly settings: Readonly<Record<string, string>>
  /** A connection string that names blob and queue: the host keeps its timers' locks there. */
  readonly storage: string
  /** Where a plain `func start` listens. */
  readonly port: number
  readonly force: boolean
}

/**
 * Writes the settings that `func start` reads (mode 600: they hold the lab's secrets). What a person added to a file of
 * ours stays.
 * @throws when the file is someone else's and `force` is not given
 */
export async function writeLocalSettings(
  path: string,
  { settings, storage, port, force }: SettingsToWrite,
): Promise<void> {
  const found = (await readJson(path)) as LocalSettings | undefined
  const ours = found?.Values?.ATO_SETTINGS_WRITTEN_BY === MARK.ATO_SETTINGS_WRITTEN_BY
  if (found && !ours && !force) {
    throw new Error(`${path} was not written by this command. Move it away, or replace it with --force.`)
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
