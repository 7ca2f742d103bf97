import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { policyFor } from '../shared/containment/policy.ts'
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

const contained = attacks.flatMap((attack) => (attack.ends === 'prevented' ? [] : [attack]))
describe.each(contained)('$slug', ({ techniques, trips, runbook }) => {
  const monitor = JSON.parse(readFileSync(new URL(`detections/${trips}/monitor.json`, PROJECT), 'utf8')) as {
    tags: string[]
  }

  test('its techniques are those that the monitor is tagged with', () => {
    const tagged = monitor.tags.filter((tag) => tag.startsWith('technique:')).map((tag) => tag.slice(10))
    expect(techniques.map(({ id }) => id).sort()).toEqual(tagged.sort())
  })

  test('its runbook is the one that the monitor names', () => {
    const tag = monitor.tags.find((one) => one.startsWith('runbook:'))?.slice(8)
    expect(runbook).toBe(`runbooks/${tag}-${trips}.md`)
  })

  test('something is done about it', () => {
    expect(policyFor(trips)).toBeDefined()
  })
})
