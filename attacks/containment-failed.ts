import { plantedIn } from './canary-account.ts'
import { REFUSED, twin } from './containment-failed.twin.ts'
import type { Attack, AttackContext, Group, TargetKind } from './kit/attack.ts'
import { type Account, leakedList, leakedLogin } from './kit/cast.ts'
import { firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { tryAll } from './kit/try-passwords.ts'

/** One more than the threshold of credential-stuffing. */
const LINES = 11

interface Plan {
  readonly does: string
  readonly lines: (context: AttackContext) => readonly Account[]
}

/** How to trip each of {@link REFUSED}. */
const PLANS: Record<TargetKind, Plan> = {
  web: {
    does: `works through ${LINES} lines of a leaked list`,
    lines: ({ random }) => leakedList(LINES, random),
  },
  functions: {
    does: 'tries a planted line',
    lines: (context) => [{ ...leakedLogin(context.random), email: plantedIn(context) }],
  },
}

const failedGroup = (target: TargetKind): Group => ({ '@detection': REFUSED[target] })

export const containmentFailed: Attack = {
  slug: 'containment-failed',
  title: 'Guessing from an address that is never blocked',
  techniques: [{ id: 'T1685', name: 'Disable or Modify Tools' }],
  targets: ['web', 'functions'],
  does: 'Tries leaked passwords from one of the service’s own egress addresses, as an attacker on a machine behind it can. A block would stop the service’s own calls, so it is refused, and the attacker can continue. The alert that was not carried out pages a person. Needs the lab, which has such addresses.',
  trips: 'containment-failed',
  runbook: 'runbooks/ATO-016-containment-failed.md',
  serviceWide: failedGroup,
  twin,

  async attack(target, context) {
    const { addresses, insider, tell } = context
    if (!insider) {
      throw new RequestFailed(
        'this command can use the egress addresses of a lab only. For a deployment, run credential-stuffing from one of its EGRESS_ADDRESSES',
      )
    }
    const inside = { device: firefoxOnLinux(), address: await addresses.own() }
    const { does, lines } = PLANS[target.kind]
    const list = lines(context)
    const bot = context.intruder(inside)
    tell('attacker', `controls a machine behind the service’s own egress: ${inside.address}`)
    await tryAll(list.slice(0, -1), (account) => bot.signIn(account))
    const group = failedGroup(target.kind)
    const crossing = context.crossing(group, 'the last line')
    await tryAll(list.slice(-1), (account) => bot.signIn(account))
    tell('attacker', does)
    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}
