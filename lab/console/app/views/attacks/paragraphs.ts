import type { AttackRun } from '../../../api.ts'

export interface Paragraph {
  readonly key: string
  /** Null for a heading or a summary. */
  readonly who: string | null
  /** After the origin of the story; null before it. */
  readonly ms: number | null
  readonly text: string
}

/** The page shows techniques and seed beside the story: from a line with the former to one with the latter. */
const TECHNIQUES = /^T\d{4}(\.\d{3})? /
const SEED = /^Run [a-z]-[0-9a-f]+, seed \d+\.$/

/** The lines of a run, without those that are empty. A heading that a terminal would wrap is one line again. */
export function paragraphs(lines: AttackRun['lines']): Paragraph[] {
  const found: Paragraph[] = []
  let isShownElsewhere = false
  lines.forEach(({ at, who, ms, text: raw }, index) => {
    const text = raw.trim()
    const last = found.at(-1)
    if (text === '') return
    if (who === null && TECHNIQUES.test(text)) isShownElsewhere = true
    const isHidden = who === null && (isShownElsewhere || SEED.test(text))
    if (who !== null || SEED.test(text)) isShownElsewhere = false
    if (isHidden) return
    if (who === null && last?.who === null && /^[a-z]/.test(text) && !/[.:]$/.test(last.text)) {
      found[found.length - 1] = { ...last, text: `${last.text} ${text}` }
    } else found.push({ key: `${at} ${index}`, who, ms, text })
  })
  return found
}

const ATTACKERS = new Set(['attacker', 'thief', 'malware', 'intruder'])
const DEFENCE = new Set(['Datadog', 'webhook', 'containment'])

export function actorTone(who: string): 'danger' | 'info' | 'warning' | 'good' {
  if (ATTACKERS.has(who)) return 'danger'
  if (DEFENCE.has(who)) return 'info'
  return who === 'crossing' ? 'warning' : 'good'
}
