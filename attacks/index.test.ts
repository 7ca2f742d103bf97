import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { policyFor } from '../shared/containment/policy.ts'
import { attackBySlug, attacks } from './index.ts'

const PROJECT = new URL('../', import.meta.url)

test('an attack is found by its slug, and nothing by a word that is none', () => {
  for (const attack of attacks) expect(attackBySlug(attack.slug)).toBe(attack)
  expect(attackBySlug('constructor')).toBeUndefined()
})

describe.each(attacks)('$slug', ({ slug, techniques, trips, runbook, targets }) => {
  const monitor = JSON.parse(readFileSync(new URL(`detections/${trips}/monitor.json`, PROJECT), 'utf8')) as {
    tags: string[]
  }

  test('its techniques are those that the monitor is tagged with', () => {
    const tagged = monitor.tags.filter((tag) => tag.startsWith('technique:')).map((tag) => tag.slice(10))
    expect(techniques.map(({ id }) => id).sort()).toEqual(tagged.sort())
  })

  test('it leads to a runbook that exists, which is the one that the monitor names', () => {
    expect(existsSync(new URL(runbook, PROJECT))).toBe(true)
    const tag = monitor.tags.find((one) => one.startsWith('runbook:'))?.slice(8)
    expect(runbook).toBe(`runbooks/${tag}-${slug}.md`)
  })

  test('something is done about it', () => {
    expect(policyFor(trips)).toBeDefined()
    expect(targets.length).toBeGreaterThan(0)
  })
})
