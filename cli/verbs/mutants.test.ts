import { UsageError } from 'alertproof/cli'
import { expect, test } from 'vitest'
import { loadDetections } from '../../detections/harness.ts'
import { command, mutateAll } from './mutants.ts'

function terminal() {
  const written = { out: '', err: '' }
  const io = {
    out: (text: string) => {
      written.out += text
    },
    err: (text: string) => {
      written.err += text
    },
    color: false,
    signal: new AbortController().signal,
  }
  return { io, written }
}

test('each mutant is printed with the case that killed it', async () => {
  const { io, written } = terminal()
  expect(await command.run(['credential-stuffing', '--json'], io)).toBe(0)
  const records = written.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { mutant: string; killed_by: unknown })
  expect(records.find(({ mutant }) => mutant === 'threshold: 10 → 9')).toEqual({
    detection: 'credential-stuffing',
    mutant: 'threshold: 10 → 9',
    killed_by: { case: expect.any(String), mode: expect.stringMatching(/arrival|cadence/) },
    equivalent: null,
  })
  expect(written.err).toContain('0 survived')
})

test('a mutant that no case kills is named and gives exit code 1', async () => {
  const { io, written } = terminal()
  const stuffing = (await loadDetections('detections')).find(({ monitor }) => monitor.slug === 'credential-stuffing')
  if (!stuffing) throw new Error('there is no credential-stuffing')
  expect(await mutateAll([{ ...stuffing, cases: [] }], { json: false, survivors: true }, io)).toBe(1)
  expect(written.out).toMatch(/SURVIVED +search: @reason:\(without @reason:busy\)/)
})

test('an unknown detection is a usage error', async () => {
  await expect(command.run(['nonsense'], terminal().io)).rejects.toThrow(UsageError)
})
