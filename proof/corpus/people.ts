import type { Authenticator } from './authenticator.ts'
import type { Chance } from './chance.ts'
import { type Device, newComputer, newPhone, newScript } from './devices.ts'
import { carrier, fixed, home, type Network } from './networks.ts'
import { HOUR, type Schedule } from './schedule.ts'
import type { Site, Visitor } from './site.ts'

/** What the people of a corpus share: chance, time, the service and public networks. */
export interface Town {
  readonly chance: Chance
  readonly schedule: Schedule
  readonly site: Site
  /** The number of people when the log begins. */
  readonly size: number
  readonly cafes: readonly Network[]
  /** Exits of a VPN that is listed as one, so that they have no location. */
  readonly vpn: readonly Network[]
}

export interface Person {
  readonly email: string
  password: string
  /** The app on their phone; undefined without a second factor. */
  authenticator: Authenticator | undefined
  readonly home: Network
  readonly carrier: Network
  readonly office: Network | undefined
  computer: Device
  phone: Device
  /** The network of a person who is abroad. */
  abroad: Network | undefined
  readonly usesVpn: boolean
  /** Earlier passwords, which the person or a password manager may still enter. */
  readonly oldPasswords: string[]
  /** The times of wrong passwords, epoch ms. */
  readonly misses: number[]
  /** Hours by which the day begins later than for most people. */
  readonly late: number
}

/** People behind the address of each office, as parts of the largest one: a few large offices, more small ones. */
const OFFICE_SIZES: readonly (readonly [part: number, weight: number])[] = [
  [1, 4],
  [0.5, 8],
  [0.15, 20],
]
const WORKS_IN_OFFICE = 0.4

/** The people when the log begins. Two of five work in an office. */
export function populate(town: Town, largestOffice: number): Person[] {
  const { chance, size } = town
  let offices = 0
  let seats = 0
  let office: Network | undefined
  return Array.from({ length: size }, (_, n) => {
    if (!chance.of(WORKS_IN_OFFICE)) return newPerson(town, n, undefined)
    if (seats === 0) {
      office = fixed(`198.51.${100 + (offices >> 8)}.${offices & 255}`)
      offices++
      seats = Math.ceil(largestOffice * chance.weighted(OFFICE_SIZES))
    }
    seats--
    return newPerson(town, n, office)
  })
}

export function newPerson({ chance }: Pick<Town, 'chance'>, n: number, office: Network | undefined): Person {
  return {
    email: `person${n}@example.test`,
    password: `password ${n}`,
    authenticator: undefined,
    home: home(n, chance),
    carrier: carrier(n),
    office,
    computer: newComputer(chance),
    phone: newPhone(chance),
    abroad: undefined,
    usesVpn: chance.of(0.04),
    oldPasswords: [`password ${n} of last year`],
    misses: [],
    late: chance.about(0, 1.2),
  }
}

/** A program with an account of its own. */
export const newProgram = (town: Pick<Town, 'chance'>, n: number): Person => ({
  ...newPerson(town, n, undefined),
  computer: newScript(),
})

export function visitorOf(
  { chance }: Pick<Town, 'chance'>,
  device: Device,
  network: Network,
  via: 'web' | 'api' = 'web',
): Visitor {
  return { device, address: network.address(chance), via }
}

/** Five wrong passwords within an hour and then the right one are an attack to takeover-after-failures, so nobody has more. */
const MOST_MISSES = 4

/** @returns how many of these slips a person with earlier ones may have */
export const slipsOf = ({ misses }: Person, slips: number, { schedule }: Pick<Town, 'schedule'>): number =>
  Math.min(slips, Math.max(0, MOST_MISSES - misses.filter((at) => at > schedule.now - HOUR).length))
