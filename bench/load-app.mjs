// Loads one function app in a separate process, as the Functions worker does, and prints the time that it took.
import Module, { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const names = []
const disposable = { dispose() {} }
/** The worker's answer to `require('@azure/functions-core')`, with the parts that an app needs to load. */
const core = {
  version: '3.12.0',
  hostVersion: '4.1000.0',
  Disposable: class {},
  registerFunction: (metadata) => {
    names.push(metadata.name)
    return disposable
  },
  registerHook: () => disposable,
  setProgrammingModel() {},
  getProgrammingModel: () => ({ name: '@azure/functions', version: '4' }),
  log() {},
}
const original = Module.prototype.require
Module.prototype.require = function (id) {
  return id === '@azure/functions-core' ? core : original.call(this, id)
}

const file = process.argv[2]
const started = performance.now()
if (file.endsWith('.cjs')) createRequire(import.meta.url)(file)
else await import(pathToFileURL(file).href)
process.stdout.write(JSON.stringify({ milliseconds: performance.now() - started, functions: names.sort() }))
process.exit(0)
