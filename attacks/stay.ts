import type { AttackContext, Crossing } from './attack.ts'
import type { Client } from './clients/client.ts'

/**
 * Uses a session that is somebody else's, until it is refused.
 * @param who for the story, with what being in means
 * @returns when it was refused because of the containment; undefined when patience ended first
 */
export async function stayUntilRefused(
  client: Client,
  who: { readonly name: string; readonly isIn: string },
  crossing: Crossing,
  context: AttackContext,
): Promise<number | undefined> {
  for (let uses = 0; ; uses++) {
    const visit = await client.visit()
    if (visit.kind === 'out') {
      const at = await onceContained(visit, crossing)
      context.tell(who.name, `is out after ${uses} ${uses === 1 ? 'look' : 'looks'} around: ${visit.status}`, at)
      return at
    }
    if (uses === 0) context.tell(who.name, who.isIn, visit.answeredAt)
    if (!context.patient()) return undefined
    await context.pause()
  }
}

/**
 * When a refusal counts as the containment's: not before that was carried out, and told. A store refuses a moment before
 * the containment's own event is written.
 * @returns epoch ms
 */
export async function onceContained(
  { answeredAt }: { readonly answeredAt: number },
  crossing: Crossing,
): Promise<number> {
  return Math.max(answeredAt, (await crossing.contained) ?? answeredAt)
}
