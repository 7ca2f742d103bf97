import { type Io, runCaptured, UsageError } from 'alertproof/cli'
import { expect, test } from 'vitest'
import { loadDetections } from '../../detections/harness.ts'
import { command, mutateAll } from './mutants.ts'

test('each mutant is printed with the case that killed it', async () => {
  const { code, out, err } = await runCaptured(command, ['credential-stuffing', '--json'])
  expect(code).toBe(0)
  const records = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { detection: string; mutant: string; killed_by: unknown })
  expect(records.find(({ mutant }) => mutant === 'threshold: 10 → 9')).toEqual({
    detection: 'credential-stuffing',
    mutant: 'threshold: 10 → 9',
    killed_by: { case: expect.any(String), mode: expect.stringMatching(/arrival|cadence/) },
    equivalent: null,
  })
  expect(records.filter(({ detection }) => detection === 'credential-stuffing/siem').length).toBeGreaterThan(30)
  expect(err).toMatch(/^credential-stuffing\/siem: \d+ mutants, none survived$/m)
  expect(err).toContain('0 survived')
})

test('a mutant that no case kills is named and gives exit code 1', async () => {
  const stuffing = (await loadDetections('detections')).find(({ monitor }) => monitor.slug === 'credential-stuffing')
  if (!stuffing) throw new Error('there is no credential-stuffing')
  const withoutCases = {
    ...command,
    run: (_: unknown, io: Io) => mutateAll([{ ...stuffing, cases: [] }], { json: false, survivors: true }, io),
  }
  const { code, out } = await runCaptured(withoutCases, [])
  expect(code).toBe(1)
  expect(out).toMatch(/SURVIVED +search: @reason:\(without @reason:busy\)/)
})

test('an unknown detection is a usage error', async () => {
  await expect(runCaptured(command, ['nonsense'])).rejects.toThrow(UsageError)
})
