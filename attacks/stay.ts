import type { AttackContext } from './attack.ts'
import type { Client, Session } from './clients/client.ts'

/**
 * Uses a session that is somebody else's, until it is refused.
 * @param who for the story, with what being in means
 * @returns when the first request was sent that was refused; undefined when patience ended first
 */
export async function stayUntilRefused(
  client: Client,
  who: { readonly name: string; readonly isIn: string },
  context: AttackContext,
): Promise<number | undefined> {
  for (let uses = 0; ; uses++) {
    const visit = await client.visit()
    if (visit.kind === 'out') {
      context.tell(who.name, `is out after ${uses} ${uses === 1 ? 'look' : 'looks'} around: ${visit.status}`)
      return visit.sentAt
    }
    if (uses === 0) context.tell(who.name, who.isIn)
    if (!context.patient()) return undefined
    await context.pause()
  }
}

/**
 * Holds a session against the target once more, after it was refused.
 * @returns whether it is refused still
 */
export async function isOutForGood(thief: Client, session: Session, { tell }: AttackContext): Promise<boolean> {
  thief.hold(session)
  const last = await thief.visit()
  tell('thief', last.kind === 'out' ? `tries the session once more: ${last.status} again` : 'IS STILL IN')
  return last.kind === 'out'
}
