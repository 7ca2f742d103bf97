import type { Attack } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { CREDENTIAL_NAMES, openAndCopy, presentUntilRefused, useUntilRenewed } from './kit/sessions.ts'
import { twin } from './session-fork.twin.ts'

export const sessionFork: Attack = {
  slug: 'session-fork',
  title: 'Stolen session, used from an identical device',
  techniques: [
    { id: 'T1539', name: 'Steal Web Session Cookie' },
    { id: 'T1550.004', name: 'Use Alternate Authentication Material: Web Session Cookie' },
  ],
  targets: ['web', 'functions'],
  does: 'Copies a session cookie (web) or bearer token (functions) and every header with it, so that both browsers look like the same device. Both use the session until it is renewed. From then on they hold different tokens, and the session ends when one of them presents a token that the other has replaced. The detection takes until the first renewal: seconds in the lab, five minutes elsewhere.',
  trips: 'session-fork',
  runbook: 'runbooks/ATO-010-session-fork.md',
  waitsForRenewal: true,
  twin,

  async attack(target, context) {
    const { random, tell } = context
    const victim = castPerson(random)
    const { laptop, stolen, thief } = await openAndCopy(victim, 'ordinary', target, context)
    tell('thief', 'is in, and the two cannot be distinguished until the session is renewed')
    await useUntilRenewed(laptop, context)
    const renewed = await laptop.visit()
    if (renewed.kind === 'out') throw new RequestFailed(`a renewed session was refused: ${renewed.status}`)
    tell(
      victim.name,
      `continues to work; the session is renewed, and only the laptop has the new ${CREDENTIAL_NAMES[target.kind]}`,
    )

    const group = { '@sid': stolen.sid }
    const fork = await presentUntilRefused(thief, stolen, context)
    const crossing = context.crossing(group, 'the first use that was refused', fork.sentAt)
    tell('thief', `continues with the old one and is out: ${fork.status}`, fork.answeredAt)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt: fork.answeredAt, lost: [stolen.sid] }
  },
}
