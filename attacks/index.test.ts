import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { attackBySlug, attacks } from './index.ts'

const PROJECT = new URL('../', import.meta.url)

test('an attack is found by its slug, and an unknown slug gives undefined', () => {
  for (const attack of attacks) expect(attackBySlug(attack.slug)).toBe(attack)
  expect(attackBySlug('constructor')).toBeUndefined()
})

test('the folder contains each attack of the list and its twin, and only the kit besides', () => {
  const entries = readdirSync(new URL('.', import.meta.url), { withFileTypes: true })
  const files = entries.filter((one) => one.isFile() && !one.name.startsWith('index.')).map(({ name }) => name)
  const expected = attacks.flatMap(({ slug }) => [`${slug}.ts`, `${slug}.twin.ts`])
  expect(files.sort()).toEqual(expected.sort())
})

test('a prevented attack leaves its refusal in the logs', () => {
  for (const attack of attacks) if (attack.ends === 'prevented') expect(attack.leaves.length).toBeGreaterThan(0)
})

describe.each(attacks)('$slug', ({ twin, targets, runbook, techniques }) => {
  test('it has a target and an existing runbook', () => {
    expect(targets.length).toBeGreaterThan(0)
    expect(techniques.length).toBeGreaterThan(0)
    expect(existsSync(new URL(runbook, PROJECT))).toBe(true)
    expect(twin.title).not.toBe('')
  })
})
