import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { policyFor } from '../../shared/containment/policy.ts'
import { attackBySlug } from '../index.ts'
import { playedByTests } from './played-by-tests.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

interface Row {
  readonly slug: string
  readonly by: string
  readonly ends: string
}

/** The table of docs/proving-detections.md. */
const rows = [
  ...read('docs/proving-detections.md').matchAll(/^\| `([a-z-]+)` \| .+ \| `([^`]+)` \| ([a-z-:, ]+) \|$/gm),
].map(([, slug = '', by = '', ends = '']): Row => ({ slug, by, ends }))

test('the page lists every evasion once', () => {
  expect(rows).toHaveLength(15)
  expect(new Set(rows.map(({ slug }) => slug)).size).toBe(15)
})

describe.each(rows)('$slug', ({ slug, by, ends }) => {
  const attack = attackBySlug(slug)
  const byTest = playedByTests.find((one) => one.slug === slug)

  test('is played in the tests that the page names, and only there', () => {
    expect(by).toBe(attack ? 'npm run verify' : byTest?.test)
    expect(attack && byTest).toBeUndefined()
    if (byTest) expect(read(byTest.test)).toContain(`describe('${slug}:`)
  })

  test('ends as the page states', () => {
    const trips = attack?.trips ?? byTest?.trips
    expect(ends).toBe(attack?.ends === 'prevented' ? 'prevented' : `contained: ${trips}`)
    if (trips !== undefined) expect(policyFor(trips)).toBeDefined()
  })
})

test('every evasion that a test plays is on the page', () => {
  for (const { slug } of playedByTests) expect(rows.map((row) => row.slug)).toContain(slug)
})
