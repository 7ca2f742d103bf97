import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { documentationPlace } from '../../functions/geo/documentation.ts'
import { isGuessable } from '../../functions/passwords/strength.ts'
import { serviceWords, weakness } from '../../shared/auth/password-policy.ts'
import { inRanges, normalizeAddress } from '../../shared/client/address.ts'
import { EMAIL_PATTERN } from '../../shared/event.ts'
import { distanceKm } from '../../shared/geo/place.ts'
import { IMPOSSIBLE } from '../../shared/geo/travel.ts'
import { LAB_EGRESS_RANGE, LAB_VPN_RANGES } from '../../shared/lab.ts'
import { freshAddresses } from './addresses.ts'
import { castPeople, leakedList, mistype } from './cast.ts'
import { createRandom } from './random.ts'

describe('random choices', () => {
  test('the same seed gives the same choices, another seed gives others', () => {
    const choices = (seed: number) =>
      createRandom(seed)
        .shuffle([...'abcdefghijklmnop'])
        .join('')
    expect(choices(7)).toBe(choices(7))
    expect(choices(7)).not.toBe(choices(8))
  })

  test('a shuffle loses nothing, and int stays below its bound', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), fc.integer({ min: 1, max: 1000 }), (items, seed, bound) => {
        const random = createRandom(seed)
        expect(random.shuffle(items).sort()).toEqual([...items].sort())
        const number = random.int(bound)
        expect(number >= 0 && number < bound).toBe(true)
      }),
    )
  })
})

describe('people', () => {
  test('all can register: their emails are valid and their passwords meet the policy', async () => {
    for (const { email, password } of [...castPeople(26, createRandom(1)), ...leakedList(200, createRandom(2))]) {
      expect(email).toMatch(EMAIL_PATTERN)
      expect(await weakness(password, email, { service: serviceWords('localhost'), isGuessable })).toBeUndefined()
    }
  })

  test('the same seed gives the same names with new accounts', () => {
    const [one, other] = [castPeople(3, createRandom(5)), castPeople(3, createRandom(5))]
    expect(one.map(({ name }) => name)).toEqual(other.map(({ name }) => name))
    expect(one.map(({ email }) => email)).not.toEqual(other.map(({ email }) => email))
  })

  test('a mistyped password is never the right one', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 2 }), fc.nat(), (password, seed) => {
        expect(mistype(password, createRandom(seed))).not.toBe(password)
      }),
    )
  })
})

describe('addresses', () => {
  test('each is in its range and used once', async () => {
    const addresses = freshAddresses(async () => false)
    const attackers = await Promise.all(Array.from({ length: 100 }, addresses.attacker))
    expect(attackers.every((address) => address.startsWith('203.0.113.'))).toBe(true)
    expect(new Set(attackers).size).toBe(100)
    expect(await addresses.ordinary()).toMatch(/^(198\.51\.100|192\.0\.2)\.\d+$/)
  })

  test('an address that the logs know is skipped; once all are known, IPv6 is used', async () => {
    const free = '203.0.113.77'
    expect(await freshAddresses(async (address) => address !== free).attacker()).toBe(free)
    expect(await freshAddresses(async () => true).attacker()).toMatch(/^2001:db8:/)
    const taken = new Set([free])
    expect(await freshAddresses(async (address) => address !== free, taken).attacker()).toMatch(/^2001:db8:/)
  })

  test.each(['fresh', 'seen'])(
    'when the ranges are %s, only the distant and the VPN are far from all others',
    async (how) => {
      const { attacker, ordinary, mobile, distant, vpn, own } = freshAddresses(async () => how === 'seen')
      const draw = async (from: () => Promise<string>) => {
        const drawn = await Promise.all(Array.from({ length: 25 }, from))
        const places = drawn.flatMap((address) => documentationPlace(address) ?? [])
        expect(places).toHaveLength(drawn.length)
        return places
      }
      const near = (await Promise.all([attacker, ordinary, mobile].map(draw))).flat()
      for (const far of [...(await draw(distant)), ...(await draw(vpn))]) {
        for (const place of near) expect(distanceKm(place, far)).toBeGreaterThan(10_000)
      }
      for (const one of near) for (const other of near) expect(distanceKm(one, other)).toBeLessThan(IMPOSSIBLE.km)
      const isVpn = inRanges(LAB_VPN_RANGES)
      expect([isVpn(await vpn()), isVpn(await distant())]).toEqual([true, false])
      const isEgress = inRanges([LAB_EGRESS_RANGE])
      const drawn = [await own(), await attacker(), await ordinary(), await mobile(), await distant(), await vpn()]
      expect(drawn.map(isEgress)).toEqual([true, false, false, false, false, false])
    },
  )

  test('an IPv6 address has the spelling of the logs', async () => {
    const { mobile } = freshAddresses(async () => false)
    for (let i = 0; i < 200; i++) {
      const address = await mobile()
      expect(normalizeAddress(address)).toBe(address)
    }
  })
})
