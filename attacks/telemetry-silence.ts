import type { Attack } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows } from './kit/clients/devices.ts'
import { insiderOf } from './kit/insider.ts'
import { twin } from './telemetry-silence.twin.ts'

/** The detection's window. */
const SILENCE_MS = 3 * 60_000

export const telemetrySilence: Attack = {
  slug: 'telemetry-silence',
  title: 'Log forwarding turned off',
  techniques: [{ id: 'T1685.002', name: 'Disable or Modify Tools: Disable or Modify Cloud Log' }],
  targets: ['functions'],
  does: 'Turns off the forwarding of the functions’ logs, as the thief of an operator’s account can. From then on no other attack is detected. Nothing about it is logged; only the missing heartbeat reveals it. Needs the lab. The lab’s `events.jsonl` holds what the hosts wrote, not what arrived, so a replay of it shows no silence.',
  trips: 'telemetry-silence',
  runbook: 'runbooks/ATO-015-telemetry-silence.md',
  serviceWide: () => ({}),
  alertTakesMs: SILENCE_MS,
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const insider = insiderOf(context)
    const person = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(person)
    await browser.signIn(person)
    tell(person.name, `signs in at home: ${home.device.name} at ${home.address}`)

    await insider.heartbeat()
    await insider.forwarding(false)
    try {
      tell('insider', 'turns the log forwarding off: nothing is detected for three minutes')
      const crossing = context.crossing({}, 'the cut')
      await crossing.alerted
      return { group: {}, crossedAt: crossing.at, refusedAt: undefined }
    } finally {
      await insider.forwarding(true)
      tell('operator', 'turns the log forwarding on again')
    }
  },
}
