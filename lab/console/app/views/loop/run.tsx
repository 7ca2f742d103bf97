import { signal } from '@preact/signals'
import type { AttackAsked } from '../../../api.ts'
import { live } from '../../live.ts'
import { hasMine } from '../../mine.ts'
import { hrefOf } from '../../route.ts'
import { runAttack, STEAL } from '../../run-attack.ts'

const asking = signal(false)

/** A button that runs an attack. It is off while one runs, because the lab runs one at a time. */
export function RunButton(props: { asked: AttackAsked; children: string; quiet?: boolean; small?: boolean }) {
  const { asked, children, quiet = false, small = false } = props
  const busy = asking.value || live.attackRuns.value.some(({ ended_at }) => ended_at === null)
  const run = async () => {
    asking.value = true
    await runAttack(asked)
    asking.value = false
  }
  const look = [quiet && 'quiet', small && 'small'].filter(Boolean).join(' ')
  return (
    <button type="button" class={look} disabled={busy} onClick={() => void run()}>
      {children}
    </button>
  )
}

export const canAttack = (): boolean => live.info.value?.can.includes('attacks') ?? false

export function RunButtons() {
  if (!canAttack()) return null
  const mine = hasMine()
  return (
    <>
      {mine && (
        <RunButton asked={{ ...STEAL, mine: {} }} small>
          Steal my session
        </RunButton>
      )}
      <RunButton asked={STEAL} quiet={mine} small>
        Steal an invented person’s session
      </RunButton>
      <a class="button quiet small" href={hrefOf('attacks')}>
        All attacks
      </a>
    </>
  )
}

/** The newest line of the attack that runs. */
export function Running() {
  const run = live.attackRuns.value.find(({ ended_at }) => ended_at === null)
  if (!run) return null
  return (
    <p class="running card">
      <span class="pulse" aria-hidden="true" />
      <span>
        Running <strong>{run.slug}</strong>
        {run.twin && ' (its benign twin)'}
      </span>
      <span class="muted running-line">{run.lines.at(-1)?.text ?? 'starting'}</span>
      <a href={hrefOf('attacks', { run: run.id })}>Open</a>
    </p>
  )
}
