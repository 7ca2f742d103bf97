import { readdir } from 'node:fs/promises'
import { type Command, reflowed } from 'alertproof/cli'
import { expect, test } from 'vitest'

const VERBS = new URL('verbs/', import.meta.url)

test('the help of every command fits 80 columns', async () => {
  const files = (await readdir(VERBS)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  expect(files.length).toBeGreaterThan(10)
  for (const file of files) {
    const { command }: { command: Command } = await import(new URL(file, VERBS).href)
    const long = reflowed(command.usage)
      .split('\n')
      .filter((line) => line.length > 80)
    expect([file, long]).toEqual([file, []])
  }
})
