import type { SessionView } from '../../../api.ts'
import { shortOf, timeOf } from '../../format.ts'
import { live } from '../../live.ts'
import { Field } from '../kit/parts.tsx'
import type { Plan } from './state.ts'

interface MineFieldsProps {
  readonly plan: Plan
  readonly set: (change: Partial<Plan>) => void
}

/** Chooses the session of the person at the screen instead of an invented one. */
export const MineCheck = ({ plan, set }: MineFieldsProps) => (
  <label class="check plan-mine">
    <input type="checkbox" checked={plan.mine} onChange={({ currentTarget }) => set({ mine: currentTarget.checked })} />
    <span>On my own session</span>
  </label>
)

/** Which session of the person at the screen. */
export function MineFields({ plan, set }: MineFieldsProps) {
  const web = live.info.value?.urls.web
  const alive = live.sessions.value.filter(({ ended_at }) => ended_at === null)
  return (
    <div class="mine">
      <p class="muted">
        Sign in, and keep the page of{' '}
        <a href={`${web}/dashboard`} target="_blank" rel="noreferrer">
          your sessions
        </a>{' '}
        open beside this one: it tells you by itself when your session ends.
      </p>
      <Field label="Session" hint="Only a session that a browser on this machine uses can be robbed.">
        <input
          class="mono"
          list="alive-sessions"
          value={plan.sid}
          placeholder="the one that was used last"
          spellcheck={false}
          autocomplete="off"
          onInput={({ currentTarget }) => set({ sid: currentTarget.value.trim() })}
        />
      </Field>
      <datalist id="alive-sessions">
        {alive.map((session) => (
          <option key={session.sid} value={session.sid}>
            {labelOf(session)}
          </option>
        ))}
      </datalist>
    </div>
  )
}

const labelOf = ({ user, started_at }: SessionView): string =>
  `${user === null ? '' : `user ${shortOf(user)}, `}since ${timeOf(started_at).slice(0, 8)}`
