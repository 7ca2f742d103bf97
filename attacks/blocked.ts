import type { AttackContext } from './attack.ts'
import type { Account, Person } from './cast.ts'
import type { SignIn } from './clients/client.ts'
import { RequestFailed } from './clients/wire.ts'

export type TryOne = (account: Account) => Promise<SignIn>
type Refused = Extract<SignIn, { kind: 'refused' }>

/** One after the other, in order. */
export async function tryAll(list: readonly Account[], tryOne: TryOne): Promise<SignIn[]> {
  const answers: SignIn[] = []
  for (const account of list) answers.push(await tryOne(account))
  return answers
}

/** @throws RequestFailed if the target lets wrong passwords in, or throttled before any detection could see enough */
export function refusalIn(answers: readonly SignIn[]): Refused {
  const [first] = answers
  if (first?.kind !== 'refused') throw new RequestFailed('a login that nobody has was let in')
  const other = answers.find((answer) => !isLike(answer, first))
  if (other) throw new RequestFailed(`wrong passwords are answered differently: ${describe(first)}, ${describe(other)}`)
  return first
}

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

const describe = (answer: SignIn): string => (answer.kind === 'in' ? 'signed in' : `${answer.status}`)
