import type { AttackContext } from './attack.ts'
import type { Account, Person } from './cast.ts'
import type { SignIn } from './clients/client.ts'

export type TryOne = (account: Account) => Promise<SignIn>
export type Refused = Extract<SignIn, { kind: 'refused' }>

/**
 * Right passwords, one account after the other, until one is refused as if it were wrong: each is tried once, for a device
 * that got in is known to the account and is spared by the block.
 * @param who for the story
 * @returns when that one was sent; undefined when none was
 */
export async function tryUntilRefused(
  people: readonly Person[],
  wrong: Refused,
  tryOne: TryOne,
  context: AttackContext,
  who = 'attacker',
): Promise<number | undefined> {
  for (const person of people) {
    const answer = await tryOne(person)
    if (isLike(answer, wrong)) {
      context.tell(who, `${person.name}'s password is right, and refused all the same`)
      return answer.sentAt
    }
    context.tell(who, `${person.name}'s password fits: ${describe(answer)}`)
    await context.pause()
  }
  return undefined
}

/** Whether nothing in the answer tells it from the other: a blocked attacker is not to learn that there is a block. */
export const isLike = (answer: SignIn, wrong: Refused): answer is Refused =>
  answer.kind === 'refused' && answer.status === wrong.status && answer.words === wrong.words

export const describe = (answer: SignIn): string => (answer.kind === 'in' ? 'signed in' : `${answer.status}`)
