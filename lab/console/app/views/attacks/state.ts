import { computed, signal } from '@preact/signals'
import type { AttackAsked, AttackRun, AttackView } from '../../../api.ts'
import { announce } from '../../announce.tsx'
import { sendJson } from '../../http.ts'
import { live, putAttackRun } from '../../live.ts'
import { replaceQuery, route } from '../../route.ts'
import { messageOf } from '../kit/format.ts'

/** What is asked beside the slug. */
export interface Plan {
  readonly kind: 'attack' | 'twin'
  readonly target: AttackAsked['target']
  /** As typed; empty for one by chance. */
  readonly seed: string
  readonly pace: string
  readonly mine: boolean
  /** Empty for the session that was used last. */
  readonly sid: string
}

export const plan = signal<Plan>({ kind: 'attack', target: 'web', seed: '', pace: '0', mine: false, sid: '' })
export const fault = signal<string | undefined>(undefined)
export const isAsking = signal(false)

/** The attack of the page's address, else the one that can rob the person at the screen. */
export const chosen = computed<AttackView | undefined>(() => {
  const attacks = live.attacks.value
  const { slug } = route.value.query
  return attacks.find((attack) => attack.slug === slug) ?? attacks.find(({ can_be_mine }) => can_be_mine) ?? attacks[0]
})

export const running = computed<AttackRun | undefined>(() =>
  live.attackRuns.value.find(({ ended_at }) => ended_at === null),
)

/** The run of the page's address, else the one under way, else the newest of the chosen attack. */
export const shownRun = computed<AttackRun | undefined>(() => {
  const runs = live.attackRuns.value
  const { run } = route.value.query
  return runs.find(({ id }) => id === run) ?? running.value ?? runs.find(({ slug }) => slug === chosen.value?.slug)
})

/** Whether it can rob the session of the person at the screen. */
export const canRob = ({ can_be_mine }: AttackView): boolean =>
  can_be_mine && live.info.value?.can.includes('mine') === true

/** What can be asked of this attack. */
export function planFor(attack: AttackView, wanted: Plan): Plan {
  const mine = wanted.mine && canRob(attack) && wanted.kind === 'attack'
  if (mine) return { ...wanted, mine, target: 'web' }
  const only = attack.targets.length === 1 ? attack.targets[0] : undefined
  return { ...wanted, mine, target: only ?? wanted.target }
}

export function askedOf({ slug }: AttackView, { kind, target, seed, pace, mine, sid }: Plan): AttackAsked {
  return {
    slug,
    target,
    twin: kind === 'twin',
    ...(seed !== '' && { seed: Number(seed) }),
    ...(pace !== '0' && { pace: Number(pace) }),
    ...(mine && { mine: sid === '' ? {} : { sid } }),
  }
}

export async function start(asked: AttackAsked): Promise<void> {
  isAsking.value = true
  fault.value = undefined
  try {
    const { run } = await sendJson<{ run: AttackRun }>('POST', '/lab/attacks', asked)
    putAttackRun(run)
    // The address keeps it: the story stays, also after a reload.
    replaceQuery({ slug: run.slug, run: run.id })
    announce(`${run.twin ? 'The twin of ' : ''}${run.slug} runs.`)
  } catch (error) {
    fault.value = messageOf(error)
  } finally {
    isAsking.value = false
  }
}

export async function stop({ id }: AttackRun): Promise<void> {
  try {
    await sendJson('DELETE', `/lab/attacks?run=${encodeURIComponent(id)}`)
  } catch (error) {
    fault.value = messageOf(error)
  }
}
