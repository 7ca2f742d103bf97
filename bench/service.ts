import { timeAlerts } from './alerts.ts'
import { BARE_WORKERS, type BareBcrypt, startBareBcrypt } from './bare-bcrypt.ts'
import { type Client, createClient, inventPeople, type Person } from './client.ts'
import { BCRYPT_COST, type BenchLab, startBenchLab } from './lab.ts'
import { alternate, type Comparison, percentile, perSecond } from './rounds.ts'
import { CHECK_INTERVAL_MS, type Holder, timeChecks } from './session-checks.ts'
import { CONCURRENT, type Load, startSignIns } from './sign-ins.ts'

export interface Length {
  readonly rounds: number
  /** The number of alternations in a round. */
  readonly turns: number
  /** The duration of each turn. */
  readonly milliseconds: number
}

/** Enough people that an account is not used concurrently or beyond its limit of right sign-ins. */
const PEOPLE = CONCURRENT * 16
/** Below the length of the hash queue. */
const BATCH_SIZE = CONCURRENT * 3
const HOLDERS = 8
/** Alerts of one round. */
const ALERTS = 20
const ALERT_LIMIT_MS = 250

interface Round {
  readonly signIns: number
  readonly bare: number
  readonly busyP99: number
  readonly idleP99: number
  /** Milliseconds from an alert to the first refusal on an idle service. */
  readonly alertP99: number
}

/** Measures a separate lab: sign-ins against bare hashing, and session checks during sign-ins against idle ones. */
export async function benchService(
  length: Length,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<Comparison[]> {
  say('Starting a lab')
  const lab = await startBenchLab(say, signal)
  let bare: BareBcrypt | undefined
  try {
    bare = await startBareBcrypt(BCRYPT_COST)
    const lost = lab.failed.then((error) => Promise.reject(error))
    lost.catch(() => {})
    return comparisons(await Promise.race([measure(lab, bare, length, say, signal), lost]))
  } finally {
    await bare?.close()
    await lab.close()
  }
}

async function measure(
  lab: BenchLab,
  bare: BareBcrypt,
  length: Length,
  say: (text: string) => void,
  signal: AbortSignal,
) {
  const people = inventPeople(PEOPLE)
  const holders = await withClient(lab, (client) => prepare(client, people))
  await bare.count(1000)
  const rounds: Round[] = []
  for (let round = 1; round <= length.rounds; round++) {
    say(`Round ${round} of ${length.rounds}`)
    rounds.push(await oneRound({ lab, bare, people, holders, ...length, signal }))
  }
  return rounds
}

/** Registers the people, signs each in so that its device is known, and opens the sessions to check. This also warms up the code. */
async function prepare(client: Client, people: readonly Person[]): Promise<Holder[]> {
  const holders: Holder[] = []
  for (let from = 0; from < people.length; from += BATCH_SIZE) {
    const some = people.slice(from, from + BATCH_SIZE)
    await Promise.all(some.map((person) => client.register(person)))
    const signedIn = await Promise.all(some.map(async (person) => ({ person, token: await client.signIn(person) })))
    if (from === 0) holders.push(...signedIn.slice(0, HOLDERS))
  }
  await timeChecks(client, holders, 1000)
  return holders
}

interface Setting extends Length {
  readonly lab: BenchLab
  readonly bare: BareBcrypt
  /** Sorted by the last sign-in, oldest first. */
  readonly people: Person[]
  readonly holders: readonly Holder[]
  readonly signal: AbortSignal
}

async function oneRound(setting: Setting): Promise<Round> {
  const { lab, bare, people, holders, turns, milliseconds, signal } = setting
  const underLoad = <T>(work: (client: Client, load: Load) => Promise<T>) =>
    withClient(lab, async (client) => {
      signal.throwIfAborted()
      const load = startSignIns(client, people)
      try {
        await load.saturated()
        return await work(client, load)
      } finally {
        const started = await load.stop()
        people.push(...people.splice(0, started % people.length))
      }
    })
  const hashing = await alternate(
    turns,
    () => underLoad((_, load) => load.count(milliseconds)),
    () => bare.count(milliseconds),
  )
  const checking = await alternate(
    turns,
    () => underLoad((client) => timeChecks(client, holders, milliseconds)),
    () => withClient(lab, (client) => timeChecks(client, holders, milliseconds)),
  )
  const victims = people.splice(0, ALERTS)
  people.push(...victims)
  const alerts = await withClient(lab, (client) => timeAlerts(client, victims))
  return {
    signIns: perSecond(hashing.a),
    bare: perSecond(hashing.b),
    busyP99: percentile(checking.a.flat(), 0.99),
    idleP99: percentile(checking.b.flat(), 0.99),
    alertP99: percentile(alerts, 0.99),
  }
}

/** New connections for each turn, because the server closes idle ones, which must not happen during use. */
async function withClient<T>(lab: BenchLab, work: (client: Client) => Promise<T>): Promise<T> {
  const client = createClient(lab)
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

function comparisons(rounds: readonly Round[]): Comparison[] {
  const series = (what: string, unit: string, of: keyof Round) => ({ what, unit, rounds: rounds.map((one) => one[of]) })
  return [
    {
      name: 'sign-ins over bare hashing',
      measured: series(`sign-ins over HTTP, ${CONCURRENT} at once`, '/s', 'signIns'),
      peer: series(`bcryptjs in ${BARE_WORKERS} worker threads, cost ${BCRYPT_COST}`, '/s', 'bare'),
      bound: { atLeast: 0.85 },
    },
    {
      name: 'p99 during sign-ins over idle',
      measured: series(`session check every ${CHECK_INTERVAL_MS} ms during sign-ins, p99`, 'ms', 'busyP99'),
      peer: series(`session check every ${CHECK_INTERVAL_MS} ms, idle, p99`, 'ms', 'idleP99'),
      bound: { atMost: 10 },
    },
    {
      name: 'alert to refusal over its limit',
      measured: series('from an alert to the first refusal, idle, p99', 'ms', 'alertP99'),
      peer: { what: 'the limit', unit: 'ms', rounds: rounds.map(() => ALERT_LIMIT_MS) },
      bound: { atMost: 1 },
    },
  ]
}
