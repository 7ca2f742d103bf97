import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { attackBySlug, attacks } from './index.ts'

const PROJECT = new URL('../', import.meta.url)

test('an attack is found by its slug, and nothing by a word that is none', () => {
  for (const attack of attacks) expect(attackBySlug(attack.slug)).toBe(attack)
  expect(attackBySlug('constructor')).toBeUndefined()
})

test('an attack without an alert leaves its refusal in the logs', () => {
  for (const attack of attacks) if (attack.ends === 'prevented') expect(attack.leaves.length).toBeGreaterThan(0)
})

describe.each(attacks)('$slug', ({ twin, targets, runbook, techniques }) => {
  test('it is tried somewhere, and leads to a runbook that exists', () => {
    expect(targets.length).toBeGreaterThan(0)
    expect(techniques.length).toBeGreaterThan(0)
    expect(existsSync(new URL(runbook, PROJECT))).toBe(true)
    expect(twin.title).not.toBe('')
  })
})
