import type { AttackContext, Crossing } from './attack.ts'
import type { Account, Person } from './cast.ts'
import type { SignIn } from './clients/client.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { inParallel } from './parallel.ts'
import { onceContained } from './until-refused.ts'

export type TryOne = (account: Account) => Promise<SignIn>
/** Lines of a list that a bot tries at a time. */
const MAX_CONCURRENT = 3

type Refused = Extract<SignIn, { kind: 'refused' }>

/** What is needed to recognize a blocked right password and to narrate it. */
export interface Blocking {
  /** The answer to a wrong password. */
  readonly wrong: Refused
  readonly tryOne: TryOne
  readonly crossing: Crossing
  /** Named in the narration. */
  readonly who: string
}

/** Tries each line in order, one at a time. */
export async function tryAll(list: readonly Account[], tryOne: TryOne): Promise<SignIn[]> {
  const answers: SignIn[] = []
  for (const account of list) answers.push(await tryOne(account))
  return answers
}

/**
 * Tries the first lines of a list with one right password among them, so that its session is open when the block comes.
 * @param at the number of wrong lines before the right one
 * @returns the answer to a wrong password
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
  tell('attacker', `${person.name}'s password fits: ${describe(answer)}, and stays signed in`)
  return refusalIn([...before, ...(await tryAll(lines.slice(at), tryOne))])
}

/**
 * Tries the rest of a list, several lines at a time as bots do, with right passwords among the wrong ones, so that some are
 * being checked when the block comes. The first line crosses the threshold.
 * @returns the time at which the first right one was refused like a wrong one; undefined if none was
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
  const refused = await inParallel(tries, MAX_CONCURRENT, (act): Promise<number | undefined> => act())
  return refused.filter((at) => at !== undefined).sort((one, other) => one - other)[0]
}

/** @throws RequestFailed if a wrong password is accepted or if the answers differ, as with a throttle before the detection */
export function refusalIn(answers: readonly SignIn[]): Refused {
  const [first] = answers
  if (first?.kind !== 'refused') throw new RequestFailed('an unknown login was accepted')
  const other = answers.find((answer) => !isLike(answer, first))
  if (other) throw new RequestFailed(`wrong passwords get different answers: ${describe(first)}, ${describe(other)}`)
  return first
}

/**
 * Tries right passwords, one account after the other, until one is refused like a wrong one. Each is tried only once,
 * because a sign-in may issue a device token of the account, which the block spares.
 * @returns the time of that refusal; undefined if there was none
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

/** Tries one more right password after the containment. @returns the time of a refusal like that of a wrong one */
export async function tryLast(person: Person, blocking: Blocking, context: AttackContext): Promise<number | undefined> {
  await blocking.crossing.contained
  return tryRight(person, blocking, context)
}

/** @returns the time at which it was refused like a wrong one; undefined if it was not */
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
  context.tell(who, `${person.name}'s password is right, and is refused like a wrong one`, at)
  return at
}

/** Whether both answers are indistinguishable, as they must be so that a blocked attacker does not learn of the block. */
const isLike = (answer: SignIn, wrong: Refused): answer is Refused =>
  answer.kind === 'refused' && answer.status === wrong.status && answer.words === wrong.words

const describe = (answer: SignIn): string => (answer.kind === 'in' ? 'signed in' : `${answer.status}`)
