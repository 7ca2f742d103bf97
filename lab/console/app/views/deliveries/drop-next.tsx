import { useSignal } from '@preact/signals'
import { live } from '../../live.ts'
import { counted } from '../kit/format.ts'
import { onSubmit } from '../kit/parts.tsx'
import { send } from './state.ts'

/** Loses the next deliveries on their way, as an outage of the network would. */
export function DropNext() {
  const count = useSignal('1')
  const left = live.dropNext.value
  if (left > 0) {
    return (
      <div class="head-actions">
        <p role="status">The next {counted(left, 'delivery', 'deliveries')} will be dropped.</p>
        <button
          type="button"
          class="button quiet small"
          onClick={() => void send({ drop_next: 0 }, 'None is dropped.')}
        >
          Drop none
        </button>
      </div>
    )
  }
  const drop = () =>
    send(
      { drop_next: Number(count.value) },
      `The next ${counted(Number(count.value), 'delivery', 'deliveries')} will be dropped.`,
    )
  return (
    <form class="head-actions" onSubmit={onSubmit(() => void drop())}>
      <label class="inline-field">
        <span>Drop the next</span>
        <input
          type="number"
          min={1}
          max={100}
          required
          value={count.value}
          onInput={({ currentTarget }) => {
            count.value = currentTarget.value
          }}
        />
      </label>
      <button type="submit" class="button quiet small">
        Drop
      </button>
    </form>
  )
}
