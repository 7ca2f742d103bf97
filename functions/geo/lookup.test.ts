import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../shared/config.ts'
import { distanceKm, type Place } from '../../shared/geo/place.ts'
import { IMPOSSIBLE } from '../../shared/geo/travel.ts'
import { LAB_VPN_RANGES } from '../../shared/lab.ts'
import { writeMmdb } from '../testing/geo-database.ts'
import { documentationPlace } from './documentation.ts'
import { createGeoLookup } from './lookup.ts'
import { openGeoDatabase } from './maxmind.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato geo '))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const city = (latitude: number, longitude: number, accuracy_radius: number) => ({
  city: { names: { en: 'a name of more than twenty-eight letters' } },
  location: { latitude, longitude, accuracy_radius, time_zone: 'Europe/Lisbon' },
})
const LISBON = { latitude: 38.7223, longitude: -9.1393 }

async function written(name: string, content: Buffer): Promise<string> {
  const path = join(dir, name)
  await writeFile(path, content)
  return path
}

const cities = () =>
  written(
    'cities.mmdb',
    writeMmdb(
      [
        { network: '81.2.69.160/27', record: city(LISBON.latitude, LISBON.longitude, 10) },
        { network: '89.160.20.128/25', record: city(59, -18, 250) },
        { network: '175.16.199.0/24', record: city(38, -97, 251) },
        { network: '2001:218::/32', record: city(35.69, 139.69, 100) },
        { network: '2.125.160.216/29', record: { country: { iso_code: 'GB' } } },
      ],
      'GeoLite2-City',
    ),
  )

describe('a database of cities', () => {
  it('locates the network of an address, IPv4 and IPv6', async () => {
    const { locate } = openGeoDatabase(await cities())
    expect(locate('81.2.69.160')).toEqual(LISBON)
    expect(locate('81.2.69.191')).toEqual(LISBON)
    expect(locate('2001:218::7')).toEqual({ latitude: 35.69, longitude: 139.69 })
  })

  it('knows no place outside its networks, nor for a reserved address', async () => {
    const { locate } = openGeoDatabase(await cities())
    for (const ip of ['81.2.69.159', '81.2.69.192', '0.0.0.0', '10.0.0.1', '2001:219::1', '::1']) {
      expect(locate(ip)).toBeUndefined()
    }
  })

  it('is used up to a radius of 250 km: the middle of a country is not a place', async () => {
    const { locate } = openGeoDatabase(await cities())
    expect(locate('89.160.20.129')).toEqual({ latitude: 59, longitude: -18 })
    expect(locate('175.16.199.1')).toBeUndefined()
  })

  it('may have countries only, and then gives no place', async () => {
    const { locate, countryOf } = openGeoDatabase(await cities())
    expect([locate('2.125.160.217'), countryOf('2.125.160.217')]).toEqual([undefined, 'GB'])
    expect(countryOf('81.2.69.160')).toBeUndefined()
  })
})

describe('a database that cannot be used stops the start, by the variable’s name and without the path', () => {
  const faultOf = (path: string): string => {
    try {
      openGeoDatabase(path)
    } catch (error) {
      if (error instanceof ConfigError) return error.message
      throw error
    }
    return ''
  }
  it('because there is none', () => {
    expect(faultOf(join(dir, 'missing.mmdb'))).toContain('GEO_DATABASE: cannot be read (ENOENT)')
    expect(faultOf(join(dir, 'missing.mmdb'))).not.toContain(dir)
  })
  it('because it is a folder', () => {
    expect(faultOf(dir)).toContain('GEO_DATABASE: cannot be read (EISDIR)')
  })
  it.each([
    ['another file', () => Buffer.from('{}')],
    ['an empty file', () => Buffer.alloc(0)],
    ['a database that is still packed', () => gzipSync(writeMmdb([], 'GeoLite2-City'))],
  ])('because it is %s', async (name, content) => {
    expect(faultOf(await written(name, content()))).toContain('GEO_DATABASE: is not a database')
  })
})

describe('the places of a deployment', () => {
  it('are those of its database, and the lab’s map is the lab’s', async () => {
    const GEO_DATABASE = await cities()
    const production = createGeoLookup({ ATO_LAB: false, GEO_DATABASE, TRAVEL_VPN_RANGES: [] })
    expect(production.locate('81.2.69.161')).toEqual(LISBON)
    expect(production.locate('203.0.113.9')).toBeUndefined()
    const lab = createGeoLookup({ ATO_LAB: true, GEO_DATABASE, TRAVEL_VPN_RANGES: [] })
    expect(lab.locate('81.2.69.161')).toEqual(LISBON)
    expect(lab.locate('203.0.113.9')).toBeDefined()
    const countries = ['203.0.113.9', '203.0.113.200', '2.125.160.217'].map(lab.countryOf)
    expect(countries).toEqual(['PT', 'AU', 'GB'])
    expect(production.countryOf('203.0.113.9')).toBeUndefined()
  })

  it('are none without a database', () => {
    const { locate } = createGeoLookup({ ATO_LAB: false, GEO_DATABASE: undefined, TRAVEL_VPN_RANGES: [] })
    expect(locate('81.2.69.161')).toBeUndefined()
  })

  it('leave out the listed VPN ranges, to their very edges', () => {
    const TRAVEL_VPN_RANGES = ['203.0.113.64/26', '2001:db8:1::/48']
    const { locate } = createGeoLookup({ ATO_LAB: true, GEO_DATABASE: undefined, TRAVEL_VPN_RANGES })
    for (const ip of ['203.0.113.64', '203.0.113.127', '2001:db8:1::', '2001:db8:1:ffff::1']) {
      expect(locate(ip)).toBeUndefined()
    }
    for (const ip of ['203.0.113.63', '203.0.113.128', '2001:db8:2::1']) expect(locate(ip)).toBeDefined()
  })
})

describe('the lab’s map', () => {
  const at = (ip: string): Place => {
    const place = documentationPlace(ip)
    if (!place) throw new Error(`${ip} is nowhere`)
    return place
  }
  const EVERYDAY = ['192.0.2.1', '198.51.100.254', '203.0.113.1', '203.0.113.191', '2001:db8::1', '2001:db8:7fff::1']
  const FAR = [
    '203.0.113.192',
    '203.0.113.223',
    '203.0.113.224',
    '203.0.113.255',
    '2001:db8:8000::1',
    '2001:db8:ffff::',
  ]

  it('has its everyday networks within reach of each other, however fast', () => {
    for (const from of EVERYDAY) {
      for (const to of EVERYDAY) expect(distanceKm(at(from), at(to))).toBeLessThan(IMPOSSIBLE.km)
    }
  })

  it('has the far ones, VPN exits among them, on the other side of the world', () => {
    for (const from of EVERYDAY) for (const to of FAR) expect(distanceKm(at(from), at(to))).toBeGreaterThan(10_000)
    expect(LAB_VPN_RANGES).toContain('203.0.113.224/27')
  })

  it('knows nothing else', () => {
    for (const ip of ['127.0.0.1', '0.0.0.0', '192.0.3.1', '2001:db9::1', '::1']) {
      expect(documentationPlace(ip)).toBeUndefined()
    }
  })
})
