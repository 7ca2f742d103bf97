import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { freeze, signalFamily } from './processes.ts'

const SCRIPT = `let n = 0; setInterval(() => console.log(++n), 10)`

test.skipIf(process.platform !== 'linux')(
  'a frozen process does nothing, its children neither, until it goes on',
  async () => {
    const parent = spawn('/bin/sh', ['-c', `'${process.execPath}' -e "${SCRIPT}" & wait`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let lines = 0
    const output = createInterface({ input: parent.stdout })
    output.on('line', () => {
      lines += 1
    })
    await once(output, 'line')
    const goOn = await freeze(parent.pid ?? 0)
    await delay(100)
    const before = lines
    await delay(200)
    expect(lines).toBe(before)
    await goOn()
    await once(output, 'line')
    await signalFamily(parent.pid ?? 0, 'SIGKILL')
    await once(parent, 'close')
    await signalFamily(parent.pid ?? 0, 'SIGKILL')
  },
)
