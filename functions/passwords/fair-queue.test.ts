import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FairQueue, type Sender } from './fair-queue.ts'

const from = (ip: string, trusted = false): Sender => ({ ip, trusted })
const OFFICE = from('203.0.113.7')
const FLOOD = from('198.51.100.1')

/** @returns a queue in which `senders` wait in this order, each item named after its sender and its turn */
function queueOf(limit: number, senders: readonly (Sender | undefined)[]) {
  const queue = new FairQueue<string>(limit)
  for (const [index, sender] of senders.entries()) queue.push(`${sender?.ip ?? 'unnamed'} ${index}`, sender)
  return queue
}

describe('the turns of a fair queue', () => {
  it('are first come, first served within one address', () => {
    expect(queueOf(9, [OFFICE, OFFICE, OFFICE]).drain()).toEqual(['203.0.113.7 0', '203.0.113.7 1', '203.0.113.7 2'])
  })

  it('alternate between two networks, however much one of them sends', () => {
    expect(queueOf(9, [FLOOD, FLOOD, FLOOD, FLOOD, OFFICE, OFFICE]).drain()).toEqual([
      '198.51.100.1 0',
      '203.0.113.7 4',
      '198.51.100.1 1',
      '203.0.113.7 5',
      '198.51.100.1 2',
      '198.51.100.1 3',
    ])
  })

  it.each([
    ['a /16', ['198.51.0.1', '198.51.77.2', '198.51.99.9', '203.0.113.7']],
    ['a /32', ['2001:db8:1::1', '2001:db8:2::1', '2001:db8:3::1', '2001:db9::1']],
  ])('give the addresses of %s one share together', (_, ips) => {
    const order = queueOf(
      9,
      ips.map((ip) => from(ip)),
    ).drain()
    expect(order[1]).toBe(`${ips[3]} 3`)
  })

  it.each([
    ['a /24', ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.7.7']],
    ['a /48', ['2001:db8:1:1::1', '2001:db8:1:2::1', '2001:db8:1:3::1', '2001:db8:7::1']],
    ['a /64', ['2001:db8:1:1::1', '2001:db8:1:1::2', '2001:db8:1:1::3', '2001:db8:1:7::1']],
  ])('give the addresses of %s one share within the wider network', (_, ips) => {
    const order = queueOf(
      9,
      ips.map((ip) => from(ip)),
    ).drain()
    expect(order[1]).toBe(`${ips[3]} 3`)
  })

  it('alternate between trusted devices and strangers, also of one address', () => {
    const queue = queueOf(9, [OFFICE, OFFICE, OFFICE, from(OFFICE.ip, true), from(OFFICE.ip, true)])
    expect(queue.drain().map((item) => item.split(' ')[1])).toEqual(['0', '3', '1', '4', '2'])
  })

  it('share one place between all callers that name no sender', () => {
    expect(queueOf(9, [undefined, undefined, OFFICE]).drain()).toEqual(['unnamed 0', '203.0.113.7 2', 'unnamed 1'])
  })
})

describe('a full fair queue', () => {
  it('refuses a sender if no other has more waiting work', () => {
    const queue = queueOf(2, [FLOOD, OFFICE])
    expect(queue.push('one more', FLOOD)).toEqual({ kind: 'refused' })
    expect(queue.push('one more', OFFICE)).toEqual({ kind: 'refused' })
    expect(queue.size).toBe(2)
  })

  it('gives the newest place of the heaviest branch to a sender with less work', () => {
    const queue = queueOf(3, [FLOOD, OFFICE, FLOOD])
    expect(queue.push('newcomer', from('192.0.2.1'))).toEqual({ kind: 'queued', evicted: '198.51.100.1 2' })
    expect(queue.drain()).toEqual(['198.51.100.1 0', '203.0.113.7 1', 'newcomer'])
  })

  it('makes room for a quiet address within the heaviest network', () => {
    const queue = queueOf(4, [FLOOD, FLOOD, FLOOD, OFFICE])
    expect(queue.push('neighbour', from('198.51.100.2'))).toEqual({ kind: 'queued', evicted: '198.51.100.1 2' })
  })

  it('never takes a place from a trusted device for strangers with as much work waiting', () => {
    const queue = queueOf(4, [OFFICE, OFFICE, from('192.0.2.1', true), from('192.0.2.2', true)])
    expect(queue.push('stranger', FLOOD)).toEqual({ kind: 'queued', evicted: '203.0.113.7 1' })
  })
})

/** Digits of one seeded, reproducible random sequence (a linear congruence, Numerical Recipes). */
function randomGroups(seed: number) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 16).toString(16)
  }
}

describe('a flood of 100 sign-ins at a time from random /64s of one provider', () => {
  const PARALLEL = 100
  /**
   * Serves one item a tick while the flood keeps 100 under way: each answer and each refusal is tried again at once.
   * @returns at which tick each honest item was answered; one that was refused or evicted is missing
   */
  function play(honest: readonly Sender[], seed: number): Map<number, number> {
    const group = randomGroups(seed)
    const queue = new FairQueue<number>(64) // at least 0 for the honest, -1 for the flood
    const answeredAt = new Map<number, number>()
    const flood = () => {
      for (let sent = 0; sent < PARALLEL; sent++) {
        queue.push(-1, from(new URL(`http://[2001:db8:${group()}:${group()}::1]/`).hostname.slice(1, -1)))
      }
    }
    flood()
    for (const [index, sender] of honest.entries()) queue.push(index, sender)
    for (let tick = 1; tick <= 200; tick++) {
      const served = queue.shift() ?? -1
      if (served >= 0) answeredAt.set(served, tick)
      flood()
    }
    return answeredAt
  }

  it.each([1, 2, 3, 4, 5])('answers an office of twelve behind one IPv4 address (seed %i)', (seed) => {
    const answered = play(Array(12).fill(OFFICE), seed)
    expect(answered.size).toBe(12)
    expect(Math.max(...answered.values())).toBeLessThanOrEqual(24)
  })

  it.each([1, 2, 3, 4, 5])('answers twelve people with device tokens in the same network (seed %i)', (seed) => {
    const people = Array.from({ length: 12 }, (_, index) => from(`2001:db8:0:${index}::1`, true))
    const answered = play(people, seed)
    expect(answered.size).toBe(12)
    expect(Math.max(...answered.values())).toBeLessThanOrEqual(24)
  })

  it.each([1, 2, 3, 4, 5])('answers a subscriber of another provider at the second turn (seed %i)', (seed) => {
    expect(play([from('2001:db9:1:2::3')], seed).get(0)).toBeLessThanOrEqual(2)
  })
})

const sender: fc.Arbitrary<Sender | undefined> = fc.option(
  fc.record({
    trusted: fc.boolean(),
    ip: fc.oneof(
      fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)).map(([b, c, d]) => `203.${b}.${c}.${d}`),
      fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)).map(([b, c, d]) => `2001:db${b + 7}:${c}:${d}::1`),
    ),
  }),
  { nil: undefined },
)

describe('with any sequence of arrivals and ends', () => {
  it('every item is answered exactly once, and never more than the limit wait', () => {
    const steps = fc.array(
      fc.oneof({ weight: 3, arbitrary: sender }, { weight: 1, arbitrary: fc.constant('serve' as const) }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), steps, (limit, taken) => {
        const queue = new FairQueue<number>(limit)
        const waiting = new Set<number>()
        for (const [index, step] of taken.entries()) {
          if (step === 'serve') {
            const served = queue.shift()
            expect(served === undefined ? waiting.size === 0 : waiting.delete(served)).toBe(true)
          } else {
            const place = queue.push(index, step)
            if (place.kind === 'queued') waiting.add(index)
            if (place.kind === 'queued' && place.evicted !== undefined) {
              expect(waiting.delete(place.evicted)).toBe(true)
            }
          }
          expect(queue.size).toBe(waiting.size)
          expect(queue.size).toBeLessThanOrEqual(limit)
        }
        expect(new Set(queue.drain())).toEqual(waiting)
      }),
      { numRuns: 500 },
    )
  })

  it('a sender whose branch has less than its share is never refused', () => {
    fc.assert(
      fc.property(fc.array(sender, { minLength: 40, maxLength: 80 }), (others) => {
        const queue = new FairQueue<string>(16)
        for (const other of others) queue.push('other', other)
        // Thirteen branches at most wait for 16 places, so one of them has two.
        expect(queue.push('newcomer', from('192.0.2.1')).kind).toBe('queued')
      }),
    )
  })

  it('nothing waits forever in a full queue', () => {
    const LIMIT = 6
    fc.assert(
      fc.property(sender, fc.infiniteStream(sender), (first, others) => {
        const queue = new FairQueue<'first' | 'other'>(LIMIT)
        queue.push('first', first)
        for (let turn = 0; turn < LIMIT ** 4; turn++) {
          while (queue.size < LIMIT) queue.push('other', others.next().value)
          const place = queue.push('other', others.next().value)
          if (place.kind === 'queued' && place.evicted === 'first') return
          if (queue.shift() === 'first') return
        }
        throw new Error('still waiting')
      }),
      { numRuns: 100 },
    )
  })
})
