import type { Command } from './command.ts'

export type Verbs = Readonly<Record<string, () => Promise<{ readonly command: Command }>>>

/** The verbs of `alertproof`, in the order of the overview. A module is loaded only when its verb is used. */
export const verbs = {
  search: () => import('./verbs/search.ts'),
  replay: () => import('./verbs/replay.ts'),
  check: () => import('./verbs/check.ts'),
  test: () => import('./verbs/test.ts'),
  mutate: () => import('./verbs/mutate.ts'),
  explain: () => import('./verbs/explain.ts'),
  tune: () => import('./verbs/tune.ts'),
  compare: () => import('./verbs/compare.ts'),
  sql: () => import('./verbs/sql.ts'),
} satisfies Verbs

/** Whether a verb does nothing but print, so that it ends when nobody reads its output. The verdict of any other is still due. */
export const endsWithOutput = (verb: string, argv: readonly string[]): boolean =>
  verb === 'search' || (verb === 'replay' && argv.includes('--follow'))
