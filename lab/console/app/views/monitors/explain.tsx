import { useState } from 'preact/hooks'
import type { Explained, GroupView, MonitorView } from '../../../api.ts'
import { groupText } from '../../format.ts'
import { getJson } from '../../http.ts'
import { openText } from '../../ui/text-dialog.tsx'

/** Opens the page of `alertproof explain` for a group as it is now. */
export function explainGroup(monitor: MonitorView, { group, state }: GroupView): Promise<void> {
  const at = String(Date.now())
  const title = `${monitor.detection}: why ${groupText(group)} ${state === 'Alert' ? 'alerts' : 'does not alert'}`
  return openText(title, () => explain(monitor, { group: JSON.stringify(group), at }))
}

async function explain({ detection, by }: MonitorView, question: Record<string, string>): Promise<string> {
  const query = new URLSearchParams({ monitor: detection, by, ...question })
  const { text } = await getJson<Explained>(`/lab/explain?${query}`)
  return text
}

/** Asks about one event: whether this monitor counts it, and what it lacks if not. */
export function EventQuestion({ monitor }: { monitor: MonitorView }) {
  const [id, setId] = useState('')
  const ask = () =>
    openText(`${monitor.detection}: whether ${id.trim()} is counted`, () => explain(monitor, { event: id.trim() }))
  return (
    <form
      class="event-question"
      onSubmit={(event) => {
        event.preventDefault()
        if (id.trim() !== '') void ask()
      }}
    >
      <label for="event-id">Why is an event not counted?</label>
      <input
        id="event-id"
        class="mono"
        placeholder="its request_id"
        value={id}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setId(event.currentTarget.value)}
      />
      <button type="submit" class="quiet small" disabled={id.trim() === ''}>
        Explain
      </button>
    </form>
  )
}
