import { useSignal } from '@preact/signals'
import type { ContainmentAsked, ContainmentView } from '../../../api.ts'
import { messageOf } from '../kit/format.ts'
import { Field, onSubmit } from '../kit/parts.tsx'
import { decide } from './state.ts'
import { DECISIONS } from './words.ts'

/** The ledger keeps at most this many characters. */
const REASON_LENGTH = 256

/** What an operator may do with a row, which takes a reason. */
export function Decision({ row }: { row: ContainmentView }) {
  const reason = useSignal('')
  const asked = useSignal<ContainmentAsked['do'] | undefined>(undefined)
  const answer = useSignal<{ readonly ok: boolean; readonly text: string } | undefined>(undefined)
  const said = answer.value && (
    <p class={answer.value.ok ? 'done' : 'fault'} role={answer.value.ok ? 'status' : 'alert'}>
      {answer.value.text}
    </p>
  )
  if (row.can.length === 0) return said ?? null
  const send = async (what: ContainmentAsked['do']) => {
    asked.value = what
    answer.value = undefined
    try {
      answer.value = { ok: true, text: await decide({ id: row.id, do: what, reason: reason.peek().trim() }) }
      reason.value = ''
    } catch (error) {
      answer.value = { ok: false, text: messageOf(error) }
    } finally {
      asked.value = undefined
    }
  }
  const [first] = row.can
  return (
    <form
      class="decision"
      onSubmit={onSubmit((pressed) => {
        const what = row.can.find((each) => each === pressed) ?? first
        if (what) void send(what)
      })}
    >
      <Field label="Reason" hint="It is kept in the ledger and in the log.">
        <input
          name="reason"
          required
          maxLength={REASON_LENGTH}
          pattern=".*\S.*"
          autocomplete="off"
          placeholder="CASE-17: the owner called, it was her"
          value={reason.value}
          onInput={({ currentTarget }) => {
            reason.value = currentTarget.value
          }}
        />
      </Field>
      <ul class="decision-actions">
        {row.can.map((each) => (
          <li key={each}>
            <button
              type="submit"
              value={each}
              class={`button small ${each === 'undo' ? 'quiet danger' : ''}`}
              disabled={asked.value !== undefined}
              aria-describedby={`what-${each}`}
            >
              {DECISIONS[each].text}
            </button>
            <span class="muted" id={`what-${each}`}>
              {DECISIONS[each].what}
            </span>
          </li>
        ))}
      </ul>
      {said}
    </form>
  )
}
