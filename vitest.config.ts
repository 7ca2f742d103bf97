import { relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The files that take longest start first: one that started last would run alone at the end. Vitest itself knows durations
 * only from an earlier run of the same clone. Files that compute alternate with files that mostly wait.
 */
const LONGEST = [
  'test/verify.test.ts',
  'test/browser/browser.test.ts',
  'test/browser/console-acts.test.ts',
  'test/verdict.test.ts',
  'test/docs/lessons.test.ts',
  'functions/stores-down.test.ts',
  'lab/stores/recovery.test.ts',
  'functions/contain/contain.test.ts',
  'test/heroku.rehearsal.test.ts',
  'shared/stores/connect.test.ts',
  'proof/corpus/corpus.test.ts',
  'evaluator/package.test.ts',
  'web/stores-down.test.ts',
  'test/blocks.test.ts',
  'test/browser/rum.test.ts',
  'test/browser/console-views.test.ts',
  'test/browser/console.test.ts',
  'test/browser/console-loop.test.ts',
  'lab/functions-host/timer.test.ts',
  'detections/proof.test.ts',
  'evaluator/ci.test.ts',
  'functions/auth/device-token.test.ts',
  'test/loop.test.ts',
  'cli/verbs/detections.test.ts',
  'proof/planted/planted.test.ts',
  'test/simulation/simulation.test.ts',
  'functions/auth/under-way.test.ts',
  'evaluator/pages.test.ts',
  'evaluator/replay/event-reader.test.ts',
  'evaluator/sql/search-sql.test.ts',
  'evaluator/sql/sql-oracle.test.ts',
  'proof/mutants/mutation.test.ts',
  'functions/auth/verdicts.test.ts',
  'cli/main.test.ts',
  'test/borders.test.ts',
  'evaluator/replay/threads/threads.test.ts',
]

/** Tests without stores: they share nothing but constants, so one process reads their modules once for many files. */
const WITHOUT_STORES = ['{evaluator,detections,attacks,proof}/**/*.test.ts']

/** Those that share a process come last, because a process is only kept for the next file of its kind. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const listed = LONGEST.flatMap((name) =>
      sorted.filter(({ moduleId }) => relative(this.ctx.config.root, moduleId) === name),
    )
    const others = sorted.filter((file) => !listed.includes(file))
    const shares = ({ project }: TestSpecification) => !project.config.isolate
    return [...listed, ...others.filter((file) => !shares(file)), ...others.filter(shares)]
  }
}

export default defineConfig({
  test: {
    setupFiles: ['test/properties.ts'],
    sequence: { sequencer: LongestFirst },
    // Twice the cores of a two-core machine: a lab, a time-out or a store is what most of the long files wait for.
    maxWorkers: 4,
    testTimeout: 30_000,
    // Real stores and real clocks beside each other: in CI what fails is asked once more, and the report says so.
    retry: process.env.CI ? 1 : 0,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'stores',
          include: ['{shared,functions,web,ops,lab,cli,test,bench}/**/*.test.ts'],
          globalSetup: ['test/global-setup.ts'],
        },
      },
      { extends: true, test: { name: 'without stores', include: WITHOUT_STORES, isolate: false } },
    ],
  },
})
