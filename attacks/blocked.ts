import type { AttackContext, Crossing } from './attack.ts'
import type { Account, Person } from './cast.ts'
import type { SignIn } from './clients/client.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { inParallel } from './parallel.ts'
import { onceContained } from './stay.ts'

export type TryOne = (account: Account) => Promise<SignIn>
/** Lines of a list that one bot tries at a time. */
const AT_ONCE = 3

type Refused = Extract<SignIn, { kind: 'refused' }>

/** What is needed to tell a blocked right password from a wrong one, and to narrate it. */
export interface Blocking {
  /** How a wrong password is answered. */
  readonly wrong: Refused
  readonly tryOne: TryOne
  readonly crossing: Crossing
  /** For the story. */
  readonly who: string
}

/** One after the other, in order. */
export async function tryAll(list: readonly Account[], tryOne: TryOne): Promise<SignIn[]> {
  const answers: SignIn[] = []
  for (const account of list) answers.push(await tryOne(account))
  return answers
}

/**
 * The first lines of a list, with one password among them that fits: whatever it opens is open when the block comes.
 * @param at before which wrong line it stands
 * @returns how a wrong password is answered
 */
export async function tryFirst(
  lines: readonly Account[],
  person: Person,
  at: number,
  tryOne: TryOne,
  { tell }: AttackContext,
): Promise<Refused> {
  const before = await tryAll(lines.slice(0, at), tryOne)
  const answer = await tryOne(person)
  if (answer.kind !== 'in') throw new RequestFailed(`a right password was refused: ${describe(answer)}`)
  tell('attacker', `${person.name}'s password fits: ${describe(answer)}, and stays in`)
  return refusalIn([...before, ...(await tryAll(lines.slice(at), tryOne))])
}

/**
 * The rest of a list, several lines at a time as bots do, with right passwords among the wrong ones: some are being checked
 * while the block comes. The first line is the one that crosses the threshold.
 * @returns when the first right one was refused as if it were wrong; undefined when none was
 */
export async function tryRest(
  [first, ...wrongOnes]: readonly Account[],
  people: readonly Person[],
  blocking: Blocking,
  context: AttackContext,
): Promise<number | undefined> {
  const tryWrong = async (line: Account) => void (await blocking.tryOne(line))
  const wrong = wrongOnes.map((line) => () => tryWrong(line))
  const right = people.map((person) => () => tryRight(person, blocking, context))
  const tries = [...(first ? [() => tryWrong(first)] : []), ...context.random.shuffle([...wrong, ...right])]
  const refused = await inParallel(tries, AT_ONCE, (act): Promise<number | undefined> => act())
  return refused.filter((at) => at !== undefined).sort((one, other) => one - other)[0]
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
 * Right passwords, one account after the other, until one is refused as if it were wrong: each is tried once, for who
 * gets in may be given a device token of the account, which the block spares.
 * @returns when that was; undefined when none was
 */
export async function tryUntilRefused(
  people: readonly Person[],
  blocking: Blocking,
  context: AttackContext,
): Promise<number | undefined> {
  for (const person of people) {
    const refusedAt = await tryRight(person, blocking, context)
    if (refusedAt !== undefined) return refusedAt
    await context.pause()
  }
  return undefined
}

/** One more right password, once the containment has been told. @returns when it was refused as if it were wrong */
export async function tryLast(person: Person, blocking: Blocking, context: AttackContext): Promise<number | undefined> {
  await blocking.crossing.contained
  return tryRight(person, blocking, context)
}

/** @returns when it was refused as if it were wrong; undefined when it was not */
async function tryRight(
  person: Person,
  { wrong, tryOne, crossing, who }: Blocking,
  context: AttackContext,
): Promise<number | undefined> {
  const answer = await tryOne(person)
  if (!isLike(answer, wrong)) {
    context.tell(who, `${person.name}'s password fits: ${describe(answer)}`, answer.answeredAt)
    return undefined
  }
  const at = await onceContained(answer, crossing)
  context.tell(who, `${person.name}'s password is right, and refused all the same`, at)
  return at
}

/** Whether nothing in the answer tells it from the other: a blocked attacker is not to learn that there is a block. */
const isLike = (answer: SignIn, wrong: Refused): answer is Refused =>
  answer.kind === 'refused' && answer.status === wrong.status && answer.words === wrong.words

const describe = (answer: SignIn): string => (answer.kind === 'in' ? 'signed in' : `${answer.status}`)
