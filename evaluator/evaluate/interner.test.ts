import { describe, expect, it } from 'vitest'
import { Interner } from './interner.ts'
import { EntryRing, Group } from './windows.ts'

/** As many as are kept before it is judged whether keeping them is of use, and some more. */
const MANY = 5_000

function finder(interner: Interner) {
  return (text: string) => {
    const json = JSON.stringify(text)
    const buffer = Buffer.from(`${json}    `)
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    return interner.find(buffer, view, 0, Buffer.byteLength(json))
  }
}

describe('an interner', () => {
  it('keeps values that come back, however many others come once', () => {
    const again = finder(new Interner())
    for (let n = 0; n < MANY; n++) for (const text of [`id-${n}`, `user-${n % 100}`]) again(text)
    expect(again('user-7')).toBe(again('user-7'))
    expect(again('user-7')).toMatchObject({ value: 'user-7', texts: 'user-7' })
  })

  it('reads values that never come back without keeping them, and tries again later', () => {
    const find = finder(new Interner())
    for (let n = 0; n < MANY; n++) expect(find(`id-${n}`).value).toBe(`id-${n}`)
    const [one, other] = [find('id'), find('another id')]
    expect([find('id'), find('another id')].map(({ value }) => value)).toEqual(['id', 'another id'])
    expect(find('id')).not.toBe(one)
    expect(find('another id')).not.toBe(other)
    for (let n = 0; n < 40_000; n++) find(`later-${n % 50}`)
    expect(find('later-7')).toBe(find('later-7'))
  })
})

describe('a ring of entries', () => {
  it('holds entries in order of time across its segments, while the first ones leave', () => {
    const ring = new EntryRing()
    const groups = Array.from({ length: 7 }, (_, n) => new Group(`group-${n}`))
    const kept: [time: number, key: string, slot: number][] = []
    const read = () =>
      Array.from({ length: ring.end - ring.start }, (_, n) => {
        const at = ring.start + n
        return [ring.time(at), ring.group(at).key, ring.slot(at)]
      })
    for (let n = 0; n < 5000; n++) {
      const group = groups[n % 7] as Group
      // Now and then one comes late.
      const time = n % 11 === 0 ? n - 40 : n
      const slot = group.hold(n < 3000 ? `one of ${n % 3}` : `one of ${n}`)
      ring.insert(time, group, slot)
      const place = kept.findLastIndex(([before]) => before <= time) + 1
      kept.splice(place, 0, [time, group.key, slot])
      if (n % 5 !== 4) continue
      for (let gone = 0; gone < 4; gone++) {
        ring.group(ring.start).release(ring.slot(ring.start))
        ring.shift()
        kept.shift()
      }
    }
    expect(read()).toEqual(kept)
  })
})
