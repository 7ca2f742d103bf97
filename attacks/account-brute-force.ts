import { twin } from './account-brute-force.twin.ts'
import type { Attack, AttackContext } from './kit/attack.ts'
import { castPerson, leakedList, type Person } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { inTurn } from './kit/in-turn.ts'

const GUESSES = 24
/** Eight guesses from each, so that no address stands out. */
const ADDRESSES = 3
/** The detection alerts on more failures of one login than these. */
const UNNOTICED = 20

export const accountBruteForce: Attack = {
  slug: 'account-brute-force',
  title: 'Guessing one account’s password',
  techniques: [{ id: 'T1110.001', name: 'Brute Force: Password Guessing' }],
  targets: ['web', 'functions'],
  does: `Guesses ${GUESSES} passwords of one account from ${ADDRESSES} addresses in turn, so that no address reaches the threshold of a block. From the eleventh guess on, the account's throttle refuses them. Each refusal is logged and answered like any other. The owner still signs in with the browser that holds a device token of the account.`,
  trips: 'account-brute-force',
  runbook: 'runbooks/ATO-006-account-brute-force.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    if ((await browser.signIn(victim)).kind === 'refused') throw new RequestFailed('a new account could not sign in')
    tell(victim.name, `signs in at home: ${home.device.name} at ${home.address}`)

    const sources = await Promise.all(Array.from({ length: ADDRESSES }, () => addresses.attacker()))
    const nextAddress = inTurn(sources)
    const guess = async (password: string): Promise<number> => {
      const address = nextAddress()
      const answer = await context.intruder({ device: firefoxOnLinux(), address }).signIn({ ...victim, password })
      if (answer.kind === 'in') throw new RequestFailed('a random guess was accepted')
      return answer.status
    }
    tell('attacker', `guesses at ${victim.name}'s password, from ${sources.join(', ')} in turn`)
    const guesses = leakedList(GUESSES, random).map(({ password }) => password)
    const answers: number[] = []
    for (const password of guesses.slice(0, UNNOTICED)) answers.push(await guess(password))
    tell('attacker', `${UNNOTICED} tried, answered ${[...new Set(answers)].join(' and then ')}`)
    const group = await groupOf(victim, context)
    const crossing = context.crossing(group, 'the twenty-first failure')
    for (const password of guesses.slice(UNNOTICED)) await guess(password)

    await crossing.alerted
    const again = await browser.signIn(victim)
    tell(
      victim.name,
      again.kind === 'in' ? 'signs in at home as before, despite the throttle' : `is refused: ${again.status}`,
    )
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}

/** The login's keyed hash, which only the logs contain; without them no alert can be observed either. */
async function groupOf({ email }: Person, { insider }: AttackContext) {
  return insider ? { '@login_hash': await insider.loginHash(email) } : {}
}
