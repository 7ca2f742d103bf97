import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { getText } from '../http.ts'
import { Icon } from './icon.tsx'
import { Code } from './raw.tsx'

interface OpenFile {
  readonly path: string
  readonly text: string | undefined
  readonly error: string | undefined
}

const open = signal<OpenFile>()

/** Opens a file of the repository in a dialog. */
export function FileLink({ path }: { path: string }) {
  return (
    <button type="button" class="link file-link" onClick={() => void show(path)}>
      <Icon name="file" />
      {path}
    </button>
  )
}

async function show(path: string): Promise<void> {
  open.value = { path, text: undefined, error: undefined }
  try {
    const text = await getText(`/lab/files?path=${encodeURIComponent(path)}`)
    if (open.value?.path === path) open.value = { path, text, error: undefined }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    if (open.value?.path === path) open.value = { path, text: undefined, error: words }
  }
}

/** Stands once in the page; a FileLink fills it. */
export function FileDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const file = open.value
  const isOpen = file !== undefined
  useEffect(() => {
    if (isOpen && !dialog.current?.open) dialog.current?.showModal()
    if (!isOpen) dialog.current?.close()
  }, [isOpen])
  const close = () => {
    open.value = undefined
  }
  return (
    <dialog ref={dialog} class="dialog wide" onClose={close} aria-label={file?.path ?? 'File'}>
      <div class="dialog-head">
        <h2 class="mono">{file?.path}</h2>
        <button type="button" class="quiet small" onClick={close}>
          Close
        </button>
      </div>
      {file?.error && <p class="fault">{file.error}</p>}
      {file?.text === undefined && !file?.error && <p class="muted">Reading…</p>}
      {file?.text !== undefined && <Code label={file.path}>{file.text}</Code>}
    </dialog>
  )
}
