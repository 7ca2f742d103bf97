import type { AttackRun } from '../../../api.ts'

export interface Paragraph {
  readonly key: string
  /** Null for a heading or a summary. */
  readonly who: string | null
  /** After the origin of the story; null before it. */
  readonly ms: number | null
  readonly text: string
}

/** The lines of a run, without those that are empty. */
export const paragraphs = (lines: AttackRun['lines']): Paragraph[] =>
  lines.flatMap(({ at, who, ms, text }, index) =>
    text.trim() === '' ? [] : [{ key: `${at} ${index}`, who, ms, text: text.trim() }],
  )

const ATTACKERS = new Set(['attacker', 'thief', 'malware', 'intruder'])
const DEFENCE = new Set(['Datadog', 'webhook', 'containment'])

export function actorTone(who: string): 'danger' | 'info' | 'warning' | 'good' {
  if (ATTACKERS.has(who)) return 'danger'
  if (DEFENCE.has(who)) return 'info'
  return who === 'crossing' ? 'warning' : 'good'
}
