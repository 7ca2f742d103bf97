import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { programmingModel, type Registrations } from './core-module.ts'

const IMPORTED_MODULES = new Set<string>()

/**
 * Runs the entry files in order, locks `app.setup`, and runs the appStart hooks. After that nothing can be registered.
 * @returns a function that restores the CommonJS module cache, so that the app can be loaded again
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
  // Node keeps ES modules while the process runs, so a second import would register nothing.
  if (IMPORTED_MODULES.has(file)) throw new Error('an ES module app can be started only once in a process')
  IMPORTED_MODULES.add(file)
  await import(pathToFileURL(file).href)
}

async function lockSetup(): Promise<void> {
  const capabilities = await programmingModel()?.getCapabilities?.({
    RawHttpBodyBytes: 'true',
    RpcHttpBodyOnly: 'true',
  })
  if (capabilities?.HttpUri !== undefined) {
    throw new Error('this host does not support app.setup({ enableHttpStream: true })')
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
