import { useState } from 'preact/hooks'
import { announce, notify } from '../announce.tsx'
import { Icon } from './icon.tsx'

/** Bytes as they were sent or logged. JSON can also be shown with line breaks; what is copied is always the bytes. */
export function Raw({ text, label }: { text: string; label: string }) {
  const [pretty, setPretty] = useState(true)
  const formed = formOf(text)
  return (
    <figure class="raw">
      <figcaption>
        <span>{label}</span>
        <span class="raw-tools">
          {formed !== undefined && (
            <button type="button" class="link" aria-pressed={!pretty} onClick={() => setPretty(!pretty)}>
              Raw bytes
            </button>
          )}
          <button type="button" class="link" onClick={() => void copy(text)}>
            <Icon name="copy" />
            Copy
          </button>
        </span>
      </figcaption>
      <Code label={label}>{pretty && formed !== undefined ? formed : text}</Code>
    </figure>
  )
}

/** Text that may be longer than its box: the keyboard can scroll it. */
export function Code({ label, children }: { label: string; children: string }) {
  return (
    <section class="code" tabindex={0} aria-label={label}>
      <pre>{children}</pre>
    </section>
  )
}

function formOf(text: string): string | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    const formed = JSON.stringify(JSON.parse(text), null, 2)
    return formed === text ? undefined : formed
  } catch {
    return undefined
  }
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    announce('Copied.')
  } catch {
    notify('The browser refused the clipboard. Select the text and copy it.', 'danger')
  }
}
