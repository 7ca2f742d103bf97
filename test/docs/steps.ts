import type { Page } from './pages.ts'

/** What a lesson asks for, or shows, from top to bottom. */
export type Step =
  | { readonly kind: 'type'; readonly command: string }
  /** `text` is the whole new file. */
  | { readonly kind: 'write'; readonly path: string; readonly text: string }
  | { readonly kind: 'edit'; readonly path: string; readonly hunks: readonly Hunk[] }
  /** Each line stands in what was printed since the last command or edit; `…` stands for any text. */
  | { readonly kind: 'see'; readonly lines: readonly string[] }

/** Lines that stand once in a file, and those that replace them. */
interface Hunk {
  readonly from: string
  readonly to: string
}

/** The steps of a lesson. A file to write or to edit is the last path that the text above the block names. */
export function stepsOf(page: Page): Step[] {
  return page.blocks.flatMap(({ language, text, before }): Step[] => {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    if (language === 'sh') return lines.map((command) => ({ kind: 'type', command }))
    if (language === 'text') return [{ kind: 'see', lines }]
    const path = [...before.matchAll(/`((?:\.lab|detections)\/[\w./-]+\.(?:json|yaml))`/g)].at(-1)?.[1]
    if (path === undefined) throw new Error(`${page.path}: a block of ${language} follows no path of a file`)
    if (language !== 'diff') return [{ kind: 'write', path, text }]
    return [{ kind: 'edit', path, hunks: hunksOf(text) }]
  })
}

const hunksOf = (diff: string): Hunk[] =>
  [...diff.matchAll(/((?:^-.*\n)+)((?:^\+.*\n)+)/gm)].map(([, from = '', to = '']) => ({
    from: withoutSigns(from),
    to: withoutSigns(to),
  }))

const withoutSigns = (lines: string): string => lines.trimEnd().replace(/^[-+]/gm, '')

/** Whether a line of a lesson stands in a text, however either is broken into lines. */
export function isIn(text: string, line: string): boolean {
  const words = (part: string) =>
    part
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('\\s+')
  return new RegExp(line.split('…').map(words).join('[^]*?')).test(text)
}
