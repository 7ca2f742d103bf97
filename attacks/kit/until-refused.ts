import type { AttackContext, Crossing } from './attack.ts'
import type { Client } from './clients/client.ts'

/**
 * Uses another person's session until it is refused.
 * @param who the name, and the text for the first accepted use, for the narration
 * @returns the time of the refusal by the containment; undefined if the attacker gave up first
 */
export async function useUntilRefused(
  client: Client,
  who: { readonly name: string; readonly isIn: string },
  crossing: Crossing,
  context: AttackContext,
): Promise<number | undefined> {
  for (let uses = 0; ; uses++) {
    const visit = await client.visit()
    if (visit.kind === 'out') {
      const at = await onceContained(visit, crossing)
      context.tell(who.name, `is out after ${uses} ${uses === 1 ? 'request' : 'requests'}: ${visit.status}`, at)
      return at
    }
    if (uses === 0) context.tell(who.name, who.isIn, visit.answeredAt)
    if (!context.patient()) return undefined
    await context.pause()
  }
}

/**
 * The time of a refusal, but not before that of the containment: a store refuses a moment before the containment's event
 * is written.
 * @returns epoch ms
 */
export async function onceContained(
  { answeredAt }: { readonly answeredAt: number },
  crossing: Crossing,
): Promise<number> {
  return Math.max(answeredAt, (await crossing.contained) ?? answeredAt)
}
