import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{shared,functions,web,detections,attacks,evaluator,proof,ops,lab,cli,test,bench}/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/properties.ts'],
    // Real stores and password hashes run beside the tests: two workers keep a two-core machine responsive.
    maxWorkers: 2,
    testTimeout: 30_000,
    // Real stores and real clocks beside each other: in CI what fails is asked once more, and the report says so.
    retry: process.env.CI ? 1 : 0,
    hookTimeout: 120_000,
  },
})
