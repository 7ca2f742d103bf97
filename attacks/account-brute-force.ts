import { twin } from './account-brute-force.twin.ts'
import type { Attack, AttackContext } from './attack.ts'
import { castPeople, leakedList, type Person } from './cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import { RequestFailed } from './clients/request-failed.ts'

const GUESSES = 24
/** Eight guesses from each: no address does anything that would be noticed. */
const ADDRESSES = 3
/** The detection wants more failures of one login than these. */
const UNNOTICED = 20

export const accountBruteForce: Attack = {
  slug: 'account-brute-force',
  title: 'Guessing one account’s password',
  techniques: [{ id: 'T1110.001', name: 'Brute Force: Password Guessing' }],
  targets: ['web', 'functions'],
  does: `Guesses ${GUESSES} passwords of one account from ${ADDRESSES} addresses in turn, so that no address reaches the threshold of a block. From the eleventh guess on the account's throttle refuses them. Each refusal is logged, and answered like any other. The owner still signs in, in the browser that holds a device token of the account.`,
  trips: 'account-brute-force',
  runbook: 'runbooks/ATO-006-account-brute-force.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const [victim] = castPeople(1, random) as [Person]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    if ((await browser.signIn(victim)).kind === 'refused') throw new RequestFailed('a new account could not sign in')
    tell(victim.name, `signs in at home: ${home.device.name} at ${home.address}`)

    const lairs = await Promise.all(Array.from({ length: ADDRESSES }, () => addresses.attacker()))
    const guess = async (password: string, at: number): Promise<number> => {
      const address = lairs[at % ADDRESSES] as string
      const answer = await context.intruder({ device: firefoxOnLinux(), address }).signIn({ ...victim, password })
      if (answer.kind === 'in') throw new RequestFailed('a guess was right')
      return answer.status
    }
    tell('attacker', `guesses at ${victim.name}'s password, from ${lairs.join(', ')} in turn`)
    const guesses = leakedList(GUESSES, random).map(({ password }) => password)
    const answers: number[] = []
    for (const [at, password] of guesses.slice(0, UNNOTICED).entries()) answers.push(await guess(password, at))
    tell('attacker', `${UNNOTICED} tried, answered ${[...new Set(answers)].join(' and then ')}`)
    const group = await groupOf(victim, context)
    const crossing = context.crossing(group, 'the twenty-first failure')
    for (const [at, password] of guesses.slice(UNNOTICED).entries()) await guess(password, UNNOTICED + at)

    await crossing.alerted
    const again = await browser.signIn(victim)
    tell(victim.name, again.kind === 'in' ? 'signs in at home as ever, throttle or not' : `is refused: ${again.status}`)
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}

/** A keyed hash, which only the logs can say; where they cannot be asked, nobody tells of alerts either. */
async function groupOf({ email }: Person, { insider }: AttackContext) {
  return insider ? { '@login_hash': await insider.loginHash(email) } : {}
}
