import { randomBytes } from 'node:crypto'
import { firefoxOnLinux } from '../../../attacks/kit/clients/devices.ts'
import { createFunctionsClient } from '../../../attacks/kit/clients/functions-client.ts'
import { createWebClient } from '../../../attacks/kit/clients/web-client.ts'
import { createCounter, type Line } from '../../../attacks/kit/clients/wire.ts'
import { inParallel } from '../../../attacks/kit/parallel.ts'
import type { Person } from '../cast.ts'
import { type Crowd, gather, measure } from '../drill.ts'
import { freeze } from '../processes.ts'
import type { Group, Row } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'

const PAUSE_MS = 3000
/** No thief may be in so long after the crossing. */
const OUT_MS = 30_000
const REQUESTS = 100_000
/** As many as the host can check passwords of: what is tried here is no overload. */
const SIGNED_IN_AT_ONCE = 4
const AT_ONCE = 32

/** The owner signs in with the password, and uses the session once. @returns the person with that session */
async function signIn(person: Person, line: (home: Person['home']) => Line): Promise<Person> {
  const { device, address, home } = person
  const client = (home === 'web' ? createWebClient : createFunctionsClient)({ device, address }, line(home))
  const answer = await client.signIn(person)
  if (answer.kind === 'refused') throw new Error(`an owner could not sign in: ${answer.status}`)
  await client.visit()
  return { ...person, sid: answer.session.sid, token: answer.session.secret }
}

/** Real thefts: owners sign in, and from another device and network thieves present what they stole, all at once. */
async function steal(stage: Stage, count: number, meanwhile: () => Promise<void>): Promise<Row> {
  const { victims: owners, bystanders } = await gather(stage, count)
  stage.sender.retrySpacingMs = SPACING[1] ?? []
  const counter = createCounter(REQUESTS)
  const runId = `f-${randomBytes(4).toString('hex')}`
  const line = (home: Person['home']): Line => ({
    ...{ runId, signal: stage.signal, track: counter.track },
    baseUrl: stage.lab.urls[home],
  })
  const victims = await inParallel(owners, SIGNED_IN_AT_ONCE, (owner) => signIn(owner, line))
  const thieves = victims.map(
    (victim, index): Person => ({
      ...victim,
      device: firefoxOnLinux(),
      address: `2001:db8:f${(index % 0xfff).toString(16).padStart(3, '0')}::66`,
    }),
  )
  const crossedAt = Date.now()
  const [, looks] = await Promise.all([meanwhile(), inParallel(thieves, AT_ONCE, stage.cast.ask)])
  const crowd: Crowd = { victims: thieves, bystanders }
  const endedAt = Date.now()
  const row = await measure(stage, crowd, endedAt)
  const crossings = looks.filter((look) => look === 'in').length
  const late = row.healMs !== null && endedAt + row.healMs - crossedAt > OUT_MS ? 1 : 0
  return {
    ...row,
    lost: row.lost + late,
    remark: `${crossings} crossed at once, the others as soon as they were answered; real period`,
  }
}

export const thefts: Group = {
  name: 'thefts',
  realPeriod: true,
  alone: true,
  scenarios: [
    {
      name: 'thefts-redis-paused',
      fault:
        '200 real thefts (`session-reuse`) at once, Redis paused for 3 s in the middle; all thieves out within 30 s',
      injected: 'sign-ins and requests from two devices; SIGSTOP',
      run: (stage) =>
        steal(stage, 200, async () => {
          await wait(200, stage.signal)
          const goOn = await freeze(stage.redis.pid)
          await wait(PAUSE_MS, stage.signal)
          await goOn()
        }),
    },
    {
      name: 'thefts-redis-slow',
      fault: 'real thefts while Redis is slow by 900 ms each way',
      injected: 'sign-ins and requests from two devices; proxy',
      run: (stage) =>
        steal(stage, 10, async () => {
          await stage.proxies.redis.slow(900)
          await wait(9000, stage.signal)
          await stage.proxies.redis.pass()
        }),
    },
  ],
}
