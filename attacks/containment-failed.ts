import type { Attack, AttackContext, Group, TargetKind } from './attack.ts'
import { tryAll } from './blocked.ts'
import { plantedIn } from './canary-account.ts'
import { type Account, leakedList } from './cast.ts'
import { firefoxOnLinux } from './clients/devices.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { REFUSED, twin } from './containment-failed.twin.ts'

/** One more than credential-stuffing lets pass. */
const LINES = 11

interface Plan {
  readonly does: string
  readonly lines: (context: AttackContext) => readonly Account[]
}

/** How each of {@link REFUSED} is tripped. */
const PLANS: Record<TargetKind, Plan> = {
  web: {
    does: `works through ${LINES} lines of a leaked list`,
    lines: ({ random }) => leakedList(LINES, random),
  },
  functions: {
    does: 'tries a line that was planted',
    lines: (context) => [{ ...(leakedList(1, context.random)[0] as Account), email: plantedIn(context) }],
  },
}

const failedGroup = (target: TargetKind): Group => ({ '@detection': REFUSED[target] })

export const containmentFailed: Attack = {
  slug: 'containment-failed',
  title: 'Guessing from an address that is never blocked',
  techniques: [{ id: 'T1685', name: 'Disable or Modify Tools' }],
  targets: ['web', 'functions'],
  does: 'Tries leaked passwords from inside: from one of the service’s own egress addresses, as somebody can who has got into a machine behind it. A block would shut the service out of itself, so it is refused, and the attacker may go on. That an alert was raised and nobody acted on it is worth a page. Needs the lab, which has such addresses.',
  trips: 'containment-failed',
  runbook: 'runbooks/ATO-016-containment-failed.md',
  serviceWide: failedGroup,
  twin,

  async attack(target, context) {
    const { addresses, insider, tell } = context
    if (!insider) {
      throw new RequestFailed(
        'only a lab has egress addresses to send from; of a deployment, run credential-stuffing from one of its EGRESS_ADDRESSES',
      )
    }
    const inside = { device: firefoxOnLinux(), address: await addresses.own() }
    const { does, lines } = PLANS[target.kind]
    const list = lines(context)
    const bot = context.intruder(inside)
    tell('attacker', `has a machine behind the service’s own egress: ${inside.address}`)
    await tryAll(list.slice(0, -1), (account) => bot.signIn(account))
    const group = failedGroup(target.kind)
    const crossing = context.crossing(group, 'the last line')
    await tryAll(list.slice(-1), (account) => bot.signIn(account))
    tell('attacker', does)
    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}
