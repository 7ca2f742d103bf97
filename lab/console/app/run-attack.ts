import type { AttackAsked, AttackRun } from '../api.ts'
import { notify } from './announce.tsx'
import { sendJson } from './http.ts'
import { putAttackRun } from './live.ts'

/** Asks the lab to run an attack, and says so if it refuses. @returns undefined if it was refused */
export async function runAttack(asked: AttackAsked): Promise<AttackRun | undefined> {
  try {
    const { run } = await sendJson<{ run: AttackRun }>('POST', '/lab/attacks', asked)
    putAttackRun(run)
    return run
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error), 'danger')
    return undefined
  }
}

/** Copies a session and uses it elsewhere: the attack that the lab's first detection is about. */
export const STEAL = { slug: 'session-reuse', target: 'web' } as const satisfies AttackAsked
