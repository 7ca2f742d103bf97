import { runCaptured, UsageError } from 'alertproof/cli'
import { expect, test } from 'vitest'
import { command } from './planted.ts'

const run = (...argv: string[]) => runCaptured(command, argv)

test('every replay finds every planted attack, and the exit code is 0', async () => {
  const { code, out } = await run('20000')
  expect(code).toBe(0)
  expect(out).toMatch(/^\d{5} events, \d+ planted attacks on \d+ detections$/m)
  for (const way of ['in order', 'in another order', 'cut in two and resumed']) {
    expect(out).toContain(`${way}: every attack at its instant, and nothing else\n`)
  }
})

test.each([[['many']], [['999']], [['10000000']], [['5000', '6000']], [['--events', '5000']]])(
  '%j is refused',
  async (argv) => {
    await expect(run(...argv)).rejects.toThrow(UsageError)
  },
)
