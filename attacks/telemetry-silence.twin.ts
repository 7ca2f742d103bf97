import { setTimeout as delay } from 'node:timers/promises'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows } from './kit/clients/devices.ts'
import { insiderOf } from './kit/insider.ts'

const MINUTE_MS = 60_000
/** A sweep begins on the full minute and is logged within this time. */
const SWEPT_WITHIN_MS = 2_000

/** A normal change of a log pipeline. */
export const twin: Twin = {
  title: 'A log pipeline that is restarted',
  does: 'Interrupts the forwarding of the functions’ logs over one full minute, so that one heartbeat is lost, and then resumes it. Somebody signs in, and the event arrives.',

  async act(_target, context) {
    const { addresses, random, signal, tell } = context
    const insider = insiderOf(context)
    await insider.heartbeat()
    await insider.forwarding(false)
    try {
      const left = MINUTE_MS - (Date.now() % MINUTE_MS) + SWEPT_WITHIN_MS
      tell('operator', `restarts the log pipeline: one heartbeat will be lost, in ${Math.round(left / 1000)} s`)
      await delay(left, undefined, { signal })
    } finally {
      await insider.forwarding(true)
    }
    tell('operator', 'has resumed the log pipeline')
    const person = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(person)
    const answer = await browser.signIn(person)
    if (answer.kind === 'refused') throw new BenignRefused(`${person.name} could not sign in: ${answer.status}`)
    tell(person.name, `signs in: ${home.device.name} at ${home.address}`)
    return {
      groups: [{}],
      leaves: [
        { query: '@evt:register', atLeast: 1 },
        { query: '@evt:login @outcome:success', atLeast: 1 },
      ],
    }
  },
}
