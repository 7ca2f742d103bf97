import type { ComponentChildren } from 'preact'

export type Tone = 'good' | 'danger' | 'warning' | 'info' | 'quiet'

/** A state in a word or two; the words carry it, the colour only helps. */
export function Badge({ tone = 'quiet', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>
}
