import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GroupLimits } from './group-limits.ts'
import { groupKeys, partsOfKey } from './reading.ts'

const MAX_VALUES = [0, 1000, 30, 10, 5]
const keyOf = (values: readonly string[]): string => [groupKeys(values)].flat().join()

/** Whether a facet has too many values together with the same values of the facets before it, counted from all groups. */
function hasTooMany(live: readonly (readonly string[])[], facets: number): boolean {
  const most = MAX_VALUES[facets] ?? 0
  return Array.from({ length: facets }, (_, depth) => depth).some((depth) => {
    const below = new Map<string, Set<string>>()
    for (const values of live) {
      const above = JSON.stringify(values.slice(0, depth))
      below.set(above, (below.get(above) ?? new Set()).add(values[depth] ?? ''))
    }
    return [...below.values()].some((values) => values.size > most)
  })
}

describe.each([2, 3, 4])('of %i facets', (facets) => {
  const value = fc.integer({ min: 0, max: 7 }).map((n) => `${n}:x`)
  const group = fc.tuple(...Array.from({ length: facets }, () => value))

  test('too many values are detected, whatever groups appeared and vanished', () => {
    fc.assert(
      fc.property(fc.array(group, { maxLength: 200 }), (toggled) => {
        const limits = new GroupLimits(facets)
        const live = new Map<string, readonly string[]>()
        for (const values of toggled) {
          const key = keyOf(values)
          if (live.delete(key)) limits.vanish(limits.levelOf(key))
          else {
            live.set(key, values)
            limits.appear(limits.levelOf(key))
          }
          expect(limits.live).toBe(live.size)
          expect(limits.exceeded).toBe(hasTooMany([...live.values()], facets))
        }
      }),
      { numRuns: 100 },
    )
  })

  test('the chosen groups are within the limits, and all are chosen when no facet has too many values', () => {
    fc.assert(
      fc.property(fc.uniqueArray(group, { maxLength: 300, selector: keyOf }), (groups) => {
        const limits = new GroupLimits(facets)
        for (const values of groups) limits.appear(limits.levelOf(keyOf(values)))
        const values = new Map(groups.map((each, i) => [keyOf(each), i]))
        const { keys: chosen } = limits.choose(
          groups.map((each) => ({ key: keyOf(each) })),
          (kept, depth) =>
            new Map(
              kept.map(({ key }) => [limits.prefixOf(key, depth), depth === facets ? (values.get(key) ?? 0) : 0]),
            ),
        )
        expect(
          hasTooMany(
            groups.filter((each) => chosen.has(keyOf(each))),
            facets,
          ),
        ).toBe(false)
        if (!limits.exceeded) expect(chosen.size).toBe(groups.length)
      }),
      { numRuns: 100 },
    )
  })
})

test('a key of several facets is split into the values it was made of, whatever characters they contain', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 2, maxLength: 4 }), (values) => {
      expect(partsOfKey(keyOf(values)).map((part) => part.replace(/^\d+:/, ''))).toEqual(values)
    }),
  )
})

test('among groups with the same value, the first by name are evaluated', () => {
  const limits = new GroupLimits(1)
  const names = Array.from({ length: 1002 }, (_, i) => String(i).padStart(4, '0'))
  for (const name of names) limits.appear(limits.levelOf(name))
  const { keys: chosen } = limits.choose(
    names.toReversed().map((key) => ({ key })),
    (groups) => new Map(groups.map(({ key }) => [key, 1])),
  )
  expect(names.filter((name) => !chosen.has(name))).toEqual(['1000', '1001'])
})
