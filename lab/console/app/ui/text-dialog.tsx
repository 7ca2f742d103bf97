import { signal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Code } from './raw.tsx'

interface Shown {
  readonly title: string
  readonly text: string | undefined
  readonly error: string | undefined
}

const shown = signal<Shown>()

/** Opens a dialog with a text that is read first. */
export async function openText(title: string, read: () => Promise<string>): Promise<void> {
  const opened: Shown = { title, text: undefined, error: undefined }
  shown.value = opened
  try {
    const text = await read()
    if (shown.value === opened) shown.value = { ...opened, text }
  } catch (error) {
    if (shown.value === opened)
      shown.value = { ...opened, error: error instanceof Error ? error.message : String(error) }
  }
}

/** Rendered once per page. */
export function TextDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const text = shown.value
  const isOpen = text !== undefined
  useLayoutEffect(() => {
    if (isOpen && !dialog.current?.open) dialog.current?.showModal()
    if (!isOpen) dialog.current?.close()
  }, [isOpen])
  const close = () => {
    shown.value = undefined
  }
  return (
    <dialog ref={dialog} class="dialog wide" onClose={close} aria-label={text?.title ?? 'Text'}>
      <div class="dialog-head">
        <h2 class="mono">{text?.title}</h2>
        <button type="button" class="quiet small" onClick={close}>
          Close
        </button>
      </div>
      {text?.error && <p class="fault">{text.error}</p>}
      {isOpen && text?.text === undefined && !text?.error && <p class="muted">Reading…</p>}
      {text?.text !== undefined && <Code label={text.title}>{text.text}</Code>}
    </dialog>
  )
}
