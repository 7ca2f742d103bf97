import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { programmingModel, type Registrations } from './core-module.ts'

const importedModules = new Set<string>()

/**
 * Runs the entry files in order, locks `app.setup`, then the appStart hooks; after that nothing can be registered.
 * @returns puts the CommonJS module cache back, so that the same app can be loaded once more
 * @throws Error naming the entry file that threw
 */
export async function loadApp(
  registrations: Registrations,
  root: string,
  entryFiles: readonly string[],
  isModulePackage: boolean,
): Promise<() => void> {
  const require = createRequire(join(root, 'package.json'))
  const before = new Set(Object.keys(require.cache))
  const unload = () => {
    for (const key of Object.keys(require.cache)) if (!before.has(key)) delete require.cache[key]
  }
  try {
    for (const file of entryFiles) {
      try {
        if (isEsModule(file, isModulePackage)) await importOnce(file)
        else require(file)
      } catch (cause) {
        throw new Error(`${file} could not be loaded: ${messageOf(cause)}`, { cause })
      }
    }
    await lockSetup()
    for (const hook of registrations.hooks.appStart) {
      await hook({
        functionAppDirectory: root,
        hookData: registrations.appOnlyHookData,
        appHookData: registrations.appHookData,
      })
    }
    registrations.started = true
    return unload
  } catch (error) {
    unload()
    throw error
  }
}

const isEsModule = (file: string, isModulePackage: boolean): boolean => {
  const extension = extname(file)
  return extension === '.mjs' || (extension !== '.cjs' && isModulePackage)
}

async function importOnce(file: string): Promise<void> {
  // Node keeps ES modules for the life of the process: a second import would register nothing.
  if (importedModules.has(file)) throw new Error('an ES module app can be started only once in a process')
  importedModules.add(file)
  await import(pathToFileURL(file).href)
}

async function lockSetup(): Promise<void> {
  const capabilities = await programmingModel()?.getCapabilities?.({
    RawHttpBodyBytes: 'true',
    RpcHttpBodyOnly: 'true',
  })
  if (capabilities?.HttpUri !== undefined) {
    throw new Error('app.setup({ enableHttpStream: true }) is not supported by this host')
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
