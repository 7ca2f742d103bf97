import { randomBytes } from 'node:crypto'
import type { Person } from '../cast.ts'
import { gather, measure } from '../drill.ts'
import type { Group, Scenario } from '../scenario.ts'
import { SPACING, type Stage } from '../stage.ts'
import { raiseLater } from './functions.ts'

type Host = 'web' | 'functions'
/** The secrets of both hosts and of Datadog's webhook. */
const NAMES = ['ATO_HMAC_SECRET', 'ATO_WEBHOOK_SECRET'] as const
type Secrets = Readonly<Record<(typeof NAMES)[number], string>>

/** A deployment of one host, or the change of Datadog's variable. Alerts are raised while it goes on. */
type Step = (stage: Stage) => Promise<void>
/** Within this of the beginning of a step each of its alerts is raised. */
const WITHIN_MS = 1_500
const VICTIMS_OF_A_STEP = 8

const deploy =
  (host: Host, secrets: Secrets): Step =>
  async (stage) => {
    const { ATO_HMAC_SECRET, ATO_WEBHOOK_SECRET } = secrets
    Object.assign(stage.variables[host], host === 'web' ? { ATO_HMAC_SECRET } : { ATO_HMAC_SECRET, ATO_WEBHOOK_SECRET })
    await stage.lab[host].stop()
    await stage.lab[host].start()
  }

const tellDatadog =
  ({ ATO_WEBHOOK_SECRET }: Secrets): Step =>
  async (stage) =>
    stage.lab.datadog.setVariable('ATO_WEBHOOK_SECRET', ATO_WEBHOOK_SECRET)

/** docs/operations.md: append, swap, drop; each on every host before the next. */
const inSteps =
  (order: readonly Host[]) =>
  (old: Secrets, next: Secrets): Step[] => {
    const everywhere = (secrets: Secrets) => order.map((host) => deploy(host, secrets))
    const [both, swapped] = [listed(old, next), listed(next, old)]
    return [...everywhere(both), ...everywhere(swapped), tellDatadog(next), ...everywhere(next)]
  }

/** As nobody should: at each moment some two do not know each other's secrets. */
const atOnce =
  (order: readonly Host[]) =>
  (_old: Secrets, next: Secrets): Step[] => [...order.map((host) => deploy(host, next)), tellDatadog(next)]

const listed = (first: Secrets, second: Secrets): Secrets => combine((name) => `${first[name]},${second[name]}`)
const combine = (pick: (name: keyof Secrets) => string): Secrets =>
  Object.fromEntries(NAMES.map((name) => [name, pick(name)])) as Secrets

const secretsNow = new WeakMap<Stage, Secrets>()

interface Rotation extends Pick<Scenario, 'name' | 'fault' | 'injected'> {
  readonly steps: (old: Secrets, next: Secrets) => Step[]
}

const rotated = ({ steps, ...about }: Rotation): Scenario => ({
  ...about,
  async run(stage) {
    const old = secretsNow.get(stage) ?? combine((name) => stage.lab.secrets[name])
    const next = combine(() => `lab-${randomBytes(24).toString('base64url')}`)
    const all = steps(old, next)
    const crowd = await gather(stage, all.length * VICTIMS_OF_A_STEP)
    stage.sender.retrySpacingMs = SPACING[1] ?? []
    for (const [index, step] of all.entries()) {
      const from = index * VICTIMS_OF_A_STEP
      await Promise.all([step(stage), raiseMeanwhile(stage, crowd.victims.slice(from, from + VICTIMS_OF_A_STEP))])
    }
    secretsNow.set(stage, next)
    return measure(stage, crowd, Date.now())
  },
})

async function raiseMeanwhile(stage: Stage, victims: readonly Person[]): Promise<void> {
  await Promise.all(victims.map((victim) => raiseLater(stage, victim, stage.random.int(WITHIN_MS))))
}

/** The secrets of signed calls and of the webhook are replaced while alerts come. */
export const rotation: Group = {
  name: 'rotation',
  scenarios: [
    rotated({
      name: 'rotation-functions-first',
      fault: 'the signing secret and the webhook’s rotated during alerts, functions first',
      injected: 'append, swap, drop: SIGTERM, started again with the next list',
      steps: inSteps(['functions', 'web']),
    }),
    rotated({
      name: 'rotation-web-first',
      fault: 'the same, web first',
      injected: 'append, swap, drop: SIGTERM, started again with the next list',
      steps: inSteps(['web', 'functions']),
    }),
    rotated({
      name: 'rotation-at-once',
      fault: 'both secrets replaced without these steps during alerts, functions first, then web, then Datadog',
      injected: 'SIGTERM, started again with the new secret alone',
      steps: atOnce(['functions', 'web']),
    }),
    rotated({
      name: 'rotation-at-once-web-first',
      fault: 'the same, web first',
      injected: 'SIGTERM, started again with the new secret alone',
      steps: atOnce(['web', 'functions']),
    }),
  ],
}
