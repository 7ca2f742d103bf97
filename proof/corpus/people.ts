import type { Account, Session, Visitor } from './account.ts'
import type { Chance } from './chance.ts'
import { type Device, newComputer, newPhone, newScript } from './devices.ts'
import { carrier, cities, fixed, home, type Network } from './networks.ts'
import type { Schedule } from './schedule.ts'
import type { Service } from './service.ts'

/** Everything that lives. */
export interface Town {
  readonly chance: Chance
  readonly schedule: Schedule
  readonly service: Service
  readonly cafes: readonly Network[]
  /** Exits of a VPN that is listed as one, so that nobody is thought to be there. */
  readonly vpn: readonly Network[]
}

export interface Person {
  readonly account: Account
  readonly home: Network
  readonly carrier: Network
  readonly office: Network | undefined
  computer: Device
  phone: Device
  /** Where they are, when away. */
  abroad: Network | undefined
  readonly usesVpn: boolean
  /** Once theirs, and still in their fingers or in a password manager. */
  readonly oldPasswords: string[]
  /** What each browser still has, alive or not. */
  readonly cookies: Map<Device, Session>
  /** Hours by which their day is later than most. */
  readonly late: number
}

/** A few large offices, more small ones: people behind each address, as parts of the largest. */
const OFFICE_SIZES: readonly (readonly [part: number, weight: number])[] = [
  [1, 4],
  [0.5, 8],
  [0.15, 20],
]
const WORKS_IN_OFFICE = 0.4

/** Who is there from the beginning: of each five, two work in an office. */
export function populate(town: Town, count: number, largestOffice: number): Person[] {
  const { chance } = town
  let offices = 0
  let seats = 0
  let office: Network | undefined
  const people = Array.from({ length: count }, (_, n) => {
    if (!chance.of(WORKS_IN_OFFICE)) return newPerson(town, n, undefined)
    if (seats === 0) {
      office = fixed(`198.51.${100 + (offices >> 8)}.${offices & 255}`, chance.pick(cities))
      offices++
      seats = Math.ceil(largestOffice * chance.weighted(OFFICE_SIZES))
    }
    seats--
    return newPerson(town, n, office)
  })
  for (const person of people) {
    const devices = chance.of(0.5) ? [person.computer, person.phone] : [person.phone, person.computer]
    town.service.settled(person.account, devices, cities[0] ?? { latitude: 0, longitude: 0 })
    person.account.secondFactor = chance.of(0.3)
  }
  return people
}

export function newPerson(
  { chance, service }: Pick<Town, 'chance' | 'service'>,
  n: number,
  office: Network | undefined,
): Person {
  const place = chance.pick(cities)
  return {
    account: service.newAccount(`person${n}@example.test`, `password ${n}`),
    home: home(n, place, chance),
    carrier: carrier(n),
    office,
    computer: newComputer(chance),
    phone: newPhone(chance),
    abroad: undefined,
    usesVpn: chance.of(0.04),
    oldPasswords: [`password ${n} of last year`],
    cookies: new Map(),
    late: chance.about(0, 1.2),
  }
}

/** A program of somebody's, with an account of its own. */
export function newProgram(town: Pick<Town, 'chance' | 'service'>, n: number): Person {
  const program = newPerson(town, n, undefined)
  program.computer = newScript()
  town.service.settled(
    program.account,
    [program.computer],
    program.home.place ?? cities[0] ?? { latitude: 0, longitude: 0 },
  )
  return program
}

export function visitorOf(
  town: Pick<Town, 'chance'>,
  device: Device,
  network: Network,
  via: 'web' | 'api' = 'web',
): Visitor {
  return { device, address: network.address(town.chance), place: network.place, via }
}
