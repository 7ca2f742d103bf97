import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expandGlob } from './glob.ts'
import { type HostJson, parseHostJson, parseJsonWithComments } from './host-json.ts'

/** The settings in an app's files, read before its code runs. */
export interface AppFiles {
  readonly hostJson: HostJson
  /** Absolute paths, in load order. */
  readonly entryFiles: readonly string[]
  /** `"type": "module"` of package.json, which decides how a `.js` file is loaded. */
  readonly isModulePackage: boolean
  /** `Values` of local.settings.json; empty when the file is absent or skipped. */
  readonly localValues: Readonly<Record<string, string>>
  /** Notes on settings that have no effect here. */
  readonly notes: readonly string[]
}

/**
 * @param withLocalSettings false leaves local.settings.json unread
 * @throws Error naming the file and the fault, also for a `main` that matches no file
 */
export async function readAppFiles(root: string, withLocalSettings: boolean): Promise<AppFiles> {
  const hostJson = parseHostJson(await readRequired(root, 'host.json'))
  const manifest = parseObject(await readRequired(root, 'package.json'), 'package.json')
  const main = manifest.main
  if (typeof main !== 'string' || main === '')
    throw new Error('package.json has no "main", so no function can be loaded: add it')
  const files = await expandGlob(root, main)
  if (files.length === 0) throw new Error(`package.json: "main" is "${main}", which matches no file below ${root}`)
  const local = withLocalSettings ? await readLocalSettings(root) : { values: {}, notes: [] }
  return {
    hostJson,
    entryFiles: files.map((file) => join(root, file)),
    isModulePackage: manifest.type === 'module',
    localValues: local.values,
    notes: [...hostJson.ignored.map((name) => `host.json: ${name} has no effect in this host`), ...local.notes],
  }
}

async function readLocalSettings(root: string): Promise<{ values: Record<string, string>; notes: string[] }> {
  const text = await readOptional(root, 'local.settings.json')
  if (text === undefined) return { values: {}, notes: [] }
  const settings = parseObject(text, 'local.settings.json')
  if (settings.IsEncrypted === true) throw new Error('local.settings.json is encrypted, which this host cannot read')
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(settings.Values ?? {})) {
    if (typeof value !== 'string') throw new Error(`local.settings.json: Values.${name} must be a string`)
    values[name] = value
  }
  const notes = Object.keys(settings)
    .filter((key) => key !== 'IsEncrypted' && key !== 'Values')
    .map((key) => `local.settings.json: ${key} has no effect in this host`)
  return { values, notes }
}

function parseObject(text: string, file: string): Record<string, unknown> {
  const value = parseJsonWithComments(text, file)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${file} must hold an object`)
  return { ...value }
}

async function readRequired(root: string, file: string): Promise<string> {
  const text = await readOptional(root, file)
  if (text === undefined) throw new Error(`${file} is missing in ${root}: give the root of a function app`)
  return text
}

const readOptional = (root: string, file: string): Promise<string | undefined> =>
  readFile(join(root, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
