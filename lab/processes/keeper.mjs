// Runs one program that is not ours (postgres, redis-server, func) and ends it when the lab has ended. Such a
// program does not watch an IPC channel; this process does. Its only argument is the order, as JSON.
import { spawn } from 'node:child_process'

const GRACE_MS = 4000
const { command, args, cwd, uid, gid, stopSignal } = JSON.parse(process.argv[2])

const child = spawn(command, args, { cwd, uid, gid, stdio: ['ignore', 'inherit', 'inherit'] })
let stopping = false

function stop() {
  if (stopping) return
  stopping = true
  child.kill(stopSignal)
  setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
}

child.once('spawn', () => {
  if (process.connected) process.send({ type: 'spawned', pid: child.pid })
})
child.once('error', (error) => {
  console.error(`${command} cannot be run: ${error.message}`)
  process.exitCode = 127
  if (process.connected) process.disconnect()
})
child.once('exit', (code, signal) => {
  // As a shell reports it.
  process.exit(signal ? 128 : (code ?? 1))
})

process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.on('disconnect', stop)
