import { signal } from '@preact/signals'

export type NoticeKind = 'info' | 'good' | 'danger'

interface Notice {
  readonly id: number
  readonly text: string
  readonly kind: NoticeKind
}

const SHOWN_MS = 6000
const MAX_NOTICES = 4

const spoken = signal('')
const notices = signal<readonly Notice[]>([])
let count = 0

/** Tells a screen reader, without a change of what is seen. */
export function announce(text: string): void {
  // The same words twice are spoken twice only if the text differs.
  spoken.value = spoken.value === text ? `${text}\u00a0` : text
}

/** Shows words in a corner of the page for some seconds, and speaks them. */
export function notify(text: string, kind: NoticeKind = 'info'): void {
  const id = ++count
  notices.value = [...notices.value, { id, text, kind }].slice(-MAX_NOTICES)
  setTimeout(() => dismiss(id), SHOWN_MS)
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id)
}

export function Announcements() {
  return (
    <>
      <div class="sr-only" role="status">
        {spoken}
      </div>
      <div class="notices" role="log" aria-label="Notices">
        {notices.value.map(({ id, text, kind }) => (
          <div class={`notice-box ${kind}`} key={id}>
            <p>{text}</p>
            <button type="button" class="quiet small" onClick={() => dismiss(id)}>
              Close
            </button>
          </div>
        ))}
      </div>
    </>
  )
}
