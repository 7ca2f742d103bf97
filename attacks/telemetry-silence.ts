import type { Attack } from './attack.ts'
import { castPeople, type Person } from './cast.ts'
import { chromeOnWindows } from './clients/devices.ts'
import { insiderOf } from './insider.ts'
import { twin } from './telemetry-silence.twin.ts'

/** The detection's window. */
const SILENCE_MS = 3 * 60_000

export const telemetrySilence: Attack = {
  slug: 'telemetry-silence',
  title: 'Log forwarding turned off',
  techniques: [{ id: 'T1685.002', name: 'Disable or Modify Tools: Disable or Modify Cloud Log' }],
  targets: ['functions'],
  does: 'Turns the forwarding of the functions’ logs off, as somebody can who has got hold of an operator’s account: from then on every other attack goes unseen. Nothing is logged of it; what gives it away is that the heartbeat is missing. Needs the lab, whose `events.jsonl` holds what the hosts wrote, not what arrived: replayed, it shows no silence.',
  trips: 'telemetry-silence',
  runbook: 'runbooks/ATO-015-telemetry-silence.md',
  serviceWide: () => ({}),
  alertTakesMs: SILENCE_MS,
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const insider = insiderOf(context)
    const [person] = castPeople(1, random) as [Person]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(person)
    await browser.signIn(person)
    tell(person.name, `signs in at home: ${home.device.name} at ${home.address}`)

    await insider.heartbeat()
    await insider.forwarding(false)
    try {
      tell('insider', 'turns the log forwarding off: for three minutes nobody sees what happens')
      const crossing = context.crossing({}, 'the cut')
      await crossing.alerted
      return { group: {}, crossedAt: crossing.at, refusedAt: undefined }
    } finally {
      await insider.forwarding(true)
      tell('operator', 'turns the log forwarding on again')
    }
  },
}
