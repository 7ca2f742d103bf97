import { twin } from './distributed-stuffing.twin.ts'
import type { Attack, AttackContext, Context, TargetKind } from './kit/attack.ts'
import { type Account, castPerson, leakedList } from './kit/cast.ts'
import { chromeOnWindows, OFFICE_DEVICES } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { inParallel } from './kit/parallel.ts'

const ADDRESSES = 40
/**
 * The detection needs more than thirty networks within ten minutes and counts all clients. This is few, so that together
 * with the tries of earlier attacks it does not trigger before the second wave.
 */
const FIRST_WAVE = 10
const AT_ONCE = 5

/** The host that the client uses, as named in the events. */
const groupOf = (target: TargetKind) => ({ '@via': target === 'web' ? 'web' : 'api' })

export const distributedStuffing: Attack = {
  slug: 'distributed-stuffing',
  title: 'Credential stuffing from many addresses',
  techniques: [{ id: 'T1110.004', name: 'Brute Force: Credential Stuffing' }],
  targets: ['web', 'functions'],
  does: `Works through a leaked list as a botnet does: ${ADDRESSES} addresses of both families, one login from each, so that no single address stands out. Every second bot registers its login first, so that the login is no longer unknown. That does not help, because only a confirmed address becomes an account. The tries of all bots together trigger the alert.`,
  trips: 'distributed-stuffing',
  runbook: 'runbooks/ATO-005-distributed-stuffing.md',
  serviceWide: groupOf,
  twin,

  async attack({ kind }, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const newcomer = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const [browser, other] = [context.client(home), context.client({ ...home, address: await addresses.ordinary() })]
    await Promise.all([browser.register(victim), other.register(newcomer)])
    await browser.signIn(victim)
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const list = leakedList(ADDRESSES, random)
    tell('attacker', `has a leaked list of ${ADDRESSES}, and a machine for each line`)
    await wave(list.slice(0, FIRST_WAVE), context)
    tell('attacker', `${FIRST_WAVE} lines tried, each from its own address; no alert yet`)
    const group = groupOf(kind)
    const secondAt = Date.now()
    await wave(list.slice(FIRST_WAVE), context)
    // Marked afterwards, so that a service that refuses slowly does not use up the time allowed for the alert.
    const crossing = context.crossing(group, 'the second wave', secondAt)
    tell('attacker', `all ${ADDRESSES} tried; no address is blocked`)

    await crossing.alerted
    const morning = await other.signIn(newcomer)
    tell(newcomer.name, morning.kind === 'in' ? 'signs in meanwhile as before' : `is refused: ${morning.status}`)
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}

/** Uses one bot for each line. @throws RequestFailed if an unknown login is accepted */
async function wave(lines: readonly Account[], context: AttackContext): Promise<void> {
  await inParallel(lines, AT_ONCE, async (line, at) => {
    const device = context.random.pick(OFFICE_DEVICES)()
    const bot = context.intruder({ device, address: await anyAddress(context, at) })
    if (at % 2 === 1) await bot.requestAccount(line)
    const answer = await bot.signIn(line)
    if (answer.kind === 'in') throw new RequestFailed('an unknown login was accepted')
  })
}

const anyAddress = ({ addresses }: Context, at: number): Promise<string> =>
  at % 2 === 0 ? addresses.attacker() : addresses.mobile()
