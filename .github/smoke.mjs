// `npm start` as a person types it, until web says that everything behind it is ready; then Ctrl-C, as far as there is one.
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

const DEADLINE_MS = 300_000
const windows = process.platform === 'win32'
const ports = ['--port', '--functions-port', '--datadog-port'].flatMap((name) => [name, '0'])

// npm is a script on Windows, which only a shell runs.
const lab = spawn('npm', ['start', '--silent', '--', '--json', '--dir', '.lab/smoke', ...ports], {
  stdio: ['ignore', 'pipe', 'inherit'],
  shell: windows,
  // A group of its own, which gets the signal as a terminal's Ctrl-C sends it: npm alone would keep it to itself.
  detached: !windows,
})
const deadline = setTimeout(() => {
  console.error(`npm start was not done within ${DEADLINE_MS / 1000} s`)
  stop('SIGKILL')
}, DEADLINE_MS)
const ended = new Promise((resolve) => lab.once('close', resolve))

let ready = false
for await (const line of createInterface({ input: lab.stdout })) {
  if (!line.startsWith('{')) continue
  const { urls } = JSON.parse(line)
  const answer = await fetch(`${urls.web}/__ready`)
  console.log(`${urls.web}/__ready: ${answer.status} ${await answer.text()}`)
  ready = answer.status === 200
  stop()
  break
}
await ended
clearTimeout(deadline)
// What an orderly end removes. By force, the only way on Windows, it stays, and the next start deals with it.
const orderly = !existsSync('.lab/smoke/run.json')
console.log(`npm start ended, ${orderly ? 'in order' : 'by force'}`)
process.exitCode = ready && (windows || orderly) ? 0 : 1

function stop(signal = 'SIGINT') {
  if (windows) execFile('taskkill', ['/pid', String(lab.pid), '/t', '/f'])
  else process.kill(-lab.pid, signal)
}
