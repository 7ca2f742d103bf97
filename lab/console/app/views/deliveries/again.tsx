import { useSignal } from '@preact/signals'
import type { DeliveryView } from '../../../api.ts'
import { Choice, Fault, Field, onSubmit } from '../kit/parts.tsx'
import { fault, send } from './state.ts'

type Way = 'same' | 'edited' | 'twice' | 'late'

const WAYS = [
  { value: 'same', text: 'As it was' },
  { value: 'edited', text: 'Edited' },
  { value: 'twice', text: 'Twice at once' },
  { value: 'late', text: 'Late' },
] as const

/** What the receiver should do with each, so that a person knows what to look for. */
const EXPECT: Readonly<Record<Way, string>> = {
  same: 'A repetition of what is done already: the receiver must answer that it is a duplicate, and contain nothing twice.',
  edited:
    'Another subject, an unknown key or a tag of another detection: the receiver must refuse it with 4xx, and act on none.',
  twice: 'Two at the same instant: one containment, whichever of them comes first.',
  late: 'An alert that is older than the receiver accepts must be recorded for a person, and not acted on.',
}
const MOST_SECONDS = 600

/** Sends a delivery once more with a fault that real deliveries have. */
export function Again({ delivery }: { delivery: DeliveryView }) {
  const way = useSignal<Way>('same')
  const payload = useSignal(pretty(delivery.payload))
  const seconds = useSignal('60')
  const sendAgain = () => {
    const { id } = delivery
    if (way.value === 'edited') return send({ id, payload: payload.value }, 'Sent, edited.')
    if (way.value === 'twice') return send({ id, times: 2 }, 'Sent twice.')
    if (way.value === 'late')
      return send({ id, delay_seconds: Number(seconds.value) }, `It is sent in ${seconds.value} seconds.`)
    return send({ id }, 'Sent again.')
  }
  return (
    <form class="again" onSubmit={onSubmit(() => void sendAgain())} aria-label="Send it again">
      <Choice
        legend="Send it again"
        name={`way-${delivery.id}`}
        value={way.value}
        options={WAYS}
        onChoose={(value) => (way.value = value)}
      />
      <p class="muted">{EXPECT[way.value]}</p>
      {way.value === 'edited' && (
        <Field label="Payload" hint={isJson(payload.value) ? undefined : 'This is no JSON. It is sent as it stands.'}>
          <textarea
            class="mono"
            rows={Math.min(18, payload.value.split('\n').length + 1)}
            spellcheck={false}
            value={payload.value}
            onInput={({ currentTarget }) => {
              payload.value = currentTarget.value
            }}
          />
        </Field>
      )}
      {way.value === 'late' && (
        <Field label="Seconds from now">
          <input
            type="number"
            required
            min={1}
            max={MOST_SECONDS}
            value={seconds.value}
            onInput={({ currentTarget }) => {
              seconds.value = currentTarget.value
            }}
          />
        </Field>
      )}
      <button type="submit" class="button small">
        Send
      </button>
      {fault.value !== undefined && <Fault>{fault.value}</Fault>}
    </form>
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const pretty = (text: string): string => (isJson(text) ? JSON.stringify(JSON.parse(text), null, 2) : text)
