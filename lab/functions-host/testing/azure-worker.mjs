// What Azure's Node worker (v3, Node 20 and later) does from WorkerInitRequest to FunctionsMetadataRequest, for tests of a
// start that fails: node azure-worker.mjs <entry file>. The worker's answers to the host go to stdout, as one JSON object.
// Counterpart of src/startApp.ts, src/setupEventStream.ts and src/eventHandlers/FunctionsMetadataHandler.ts
// in https://github.com/Azure/azure-functions-nodejs-worker
import Module, { createRequire } from 'node:module'

const [, , entryFile] = process.argv
const require = createRequire(entryFile)
const functions = []
const appStartHooks = []
const core = {
  version: '3.12.0',
  hostVersion: '4.1000.0',
  Disposable: class {},
  registerFunction: (metadata) => void functions.push(metadata),
  registerHook: (name, callback) => void (name === 'appStart' && appStartHooks.push(callback)),
  setProgrammingModel() {},
  getProgrammingModel() {},
  log() {},
}
Module.prototype.require = new Proxy(Module.prototype.require, {
  apply: (target, self, [id]) => (id === '@azure/functions-core' ? core : Reflect.apply(target, self, [id])),
})

let blockingAppStartError
async function startApp() {
  try {
    require(entryFile)
  } catch (error) {
    error.message = `Worker was unable to load entry point "${entryFile}": ${error.message}`
    blockingAppStartError = error
    console.error(error.stack)
  }
  for (const hook of appStartHooks) await hook({})
}

async function resultOf(handle) {
  try {
    await handle()
    return { status: 'Success' }
  } catch ({ message, stack }) {
    return { status: 'Failure', exception: { message, stackTrace: stack } }
  }
}

const workerInit = await resultOf(startApp)
const functionMetadata = await resultOf(() => {
  if (blockingAppStartError) throw blockingAppStartError
})
process.stdout.write(JSON.stringify({ workerInit, functionMetadata, functions: functions.length }), () =>
  process.exit(0),
)
