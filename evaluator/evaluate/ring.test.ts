import { describe, expect, it } from 'vitest'
import { Group } from './group.ts'
import { Places } from './places.ts'
import { Ring } from './ring.ts'

describe('a ring of entries', () => {
  it('keeps entries in order of time across its segments while the first ones leave', () => {
    const ring = new Ring()
    const places = new Places<Group>()
    const groups = Array.from({ length: 7 }, (_, n) => new Group(`group-${n}`, places))
    const kept: [time: number, key: string, slot: number][] = []
    const read = () =>
      Array.from({ length: ring.end - ring.start }, (_, n) => {
        const at = ring.start + n
        return [ring.time(at), places.at(ring.owner(at)).key, ring.slot(at)]
      })
    for (let n = 0; n < 5000; n++) {
      const group = groups[n % 7] ?? new Group('', places)
      // Every eleventh entry comes late.
      const time = n % 11 === 0 ? n - 40 : n
      const slot = group.hold(n < 3000 ? `one of ${n % 3}` : `one of ${n}`)
      ring.insert(time, group.place, slot)
      const place = kept.findLastIndex(([before]) => before <= time) + 1
      kept.splice(place, 0, [time, group.key, slot])
      if (n % 5 !== 4) continue
      for (let gone = 0; gone < 4; gone++) {
        places.at(ring.owner(ring.start)).release(ring.slot(ring.start))
        ring.shift()
        kept.shift()
      }
    }
    expect(read()).toEqual(kept)
  })
})
