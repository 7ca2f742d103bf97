import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { networkOf } from '../../shared/client/address.ts'
import { type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'

const [CAP, SHARE] = [4, 2]

let functions: Functions
/** The stores are shared with other tests, whose containments are not to be counted here. */
let story = ''
beforeAll(async () => {
  functions = await startFunctions({
    env: { CONTAIN_CAP: `${CAP}`, CONTAIN_CAP_SOURCE: `${SHARE}`, WEB_ORIGIN: 'http://127.0.0.1:9' },
  })
  const real = functions.deps.stores.cap
  const cap: typeof real = { admit: (name, ...rest) => real.admit(`${name} ${story}`, ...rest) }
  functions.replace({ cap })
})
afterAll(() => functions?.close())

/** What becomes of an alert. */
async function stateAfter(detection: string, contain: string, scope: string): Promise<unknown> {
  const body = {
    id: randomUUID(),
    alert_id: '1',
    cycle_key: randomUUID(),
    transition: 'Triggered',
    scope,
    tags: `detection:${detection},contain:${contain}`,
    date: String(Date.now()),
  }
  const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
  return (await functions.call('contain', { headers, body })).json.state
}
const stolen = (sid: string) => stateAfter('session-reuse', 'session', `@sid:${sid}`)
const blocked = (ip: string) => stateAfter('credential-stuffing', 'ip', `@network:${networkOf(ip)}`)

async function inTurn<T>(count: number, act: (n: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (let n = 0; n < count; n++) all.push(await act(n))
  return all
}

describe.each([
  ['one IPv4 /24', (n: number) => `203.0.113.${140 + n}`],
  ['one IPv6 /48', (n: number) => `2001:db8:ca9:${n + 1}::1`],
])('an attacker with accounts of his own in %s', (_name, address) => {
  it('uses the free part of the cap, and delays no containment elsewhere', async () => {
    story = randomUUID()
    const own = await inTurn(CAP + 2, async (n) => stolen((await functions.signIn({ ip: address(n) })).sid))
    expect(own).toEqual([...Array(CAP).fill('done'), 'held', 'held'])
    const others = ['198.51.100.7', '2001:db8:99:1::1', '192.0.2.7']
    const states = await inTurn(3, async (n) => stolen((await functions.signIn({ ip: others[n] ?? '' })).sid))
    // His share and theirs are the cap.
    expect(states).toEqual(['done', 'done', 'held'])
  })

  it('does not delay a session that he opened from there in the account of a person elsewhere', async () => {
    story = randomUUID()
    await inTurn(CAP + 1, async (n) => stolen((await functions.signIn({ ip: address(n) })).sid))
    const home = await functions.signIn({ ip: '198.51.100.8' })
    const body = { email: home.email, password: PASSWORD }
    const taken = await functions.call('login', { ip: address(9), body })
    expect(await stolen(taken.json.sid)).toBe('done')
  })
})

describe('blocks', () => {
  it('of one IPv4 /24 take no more than the share from other networks', async () => {
    story = randomUUID()
    const spent = await inTurn(CAP + 2, (n) => blocked(`203.0.113.${150 + n}`))
    expect(spent).toEqual([...Array(CAP).fill('done'), 'held', 'held'])
    expect(await inTurn(2, (n) => blocked(`2001:db8:${200 + n}:1::1`))).toEqual(['done', 'done'])
    expect(await blocked('2001:db8:300:1::1')).toBe('held')
  })
})

describe('accounts without an open session', () => {
  it('are one source: ending the sessions first gives no larger share', async () => {
    story = randomUUID()
    const replayed = async (ip: string, goneFirst: boolean) => {
      const { email, sid } = await functions.signIn({ ip })
      const { id = '' } = (await functions.deps.stores.users.findByEmail(email)) ?? {}
      if (goneFirst) await functions.deps.stores.sessions.end(sid)
      return stateAfter('otp-replay', 'user', `@usr.id:${id}`)
    }
    const spent = await inTurn(CAP + 1, (n) => replayed(`2001:db8:${500 + n}:1::1`, true))
    expect(spent).toEqual([...Array(CAP).fill('done'), 'held'])
    expect(await replayed('2001:db8:600:1::1', false)).toBe('done')
  })
})

describe('a page', () => {
  it('is never held: it changes nothing', async () => {
    story = randomUUID()
    const pages = await inTurn(CAP + 3, () =>
      stateAfter('account-brute-force', 'none', `@login_hash:${randomUUID().replaceAll('-', '')}`),
    )
    expect(new Set(pages)).toEqual(new Set(['done']))
  })
})
