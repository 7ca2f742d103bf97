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
  'test/verdict.test.ts',
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
  'lab/functions-host/timer.test.ts',
  'evaluator/replay/event-reader.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const listed = LONGEST.flatMap((name) =>
      sorted.filter(({ moduleId }) => relative(this.ctx.config.root, moduleId) === name),
    )
    return [...listed, ...sorted.filter((file) => !listed.includes(file))]
  }
}

export default defineConfig({
  test: {
    include: ['{shared,functions,web,detections,attacks,evaluator,proof,ops,lab,cli,test,bench}/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/properties.ts'],
    sequence: { sequencer: LongestFirst },
    // Twice the cores of a two-core machine: a lab, a time-out or a store is what most of the long files wait for.
    maxWorkers: 4,
    testTimeout: 30_000,
    // Real stores and real clocks beside each other: in CI what fails is asked once more, and the report says so.
    retry: process.env.CI ? 1 : 0,
    hookTimeout: 120_000,
  },
})
