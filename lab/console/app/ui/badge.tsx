import type { ComponentChildren } from 'preact'

export type Tone = 'good' | 'danger' | 'warning' | 'info' | 'quiet'

/** A state in one or two words; the colour repeats what they say. */
export function Badge({ tone = 'quiet', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>
}
