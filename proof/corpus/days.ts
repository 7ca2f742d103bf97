import { switchSecondFactor } from './account-page.ts'
import type { Chance } from './chance.ts'
import { newComputer, newPhone } from './devices.ts'
import { WEAK_PASSWORD } from './hosts.ts'
import { hotel, type Network } from './networks.ts'
import { newPerson, type Person, type Town, visitorOf } from './people.ts'
import { type Activity, DAY, HOUR, MINUTE, SECOND } from './schedule.ts'
import { signIn } from './sign-in.ts'
import { visit, type Whereabouts } from './visit.ts'

/** One day of a person, from midnight. */
export async function* live(town: Town, person: Person): Activity {
  const { chance, schedule } = town
  const weekend = [0, 6].includes(new Date(schedule.now).getUTCDay())
  const midnight = schedule.now
  ageDevices(town, person)
  if (!person.abroad && chance.of(0.004)) return yield* journey(town, person, midnight)
  const works = person.office && !weekend && chance.of(0.9)
  const times = works ? workday(person, chance) : leisure(person, chance)
  for (const time of times.sort((a, b) => a - b)) {
    yield Math.max(1, midnight + time - schedule.now)
    const atWork = works && time > 8 * HOUR && time < 18 * HOUR
    if (atWork) yield* visit(town, person, person.computer, () => person.office ?? person.home, chance.between(3, 25))
    else yield* spare(town, person)
  }
}

/** Most begin at nine and return after lunch. */
const workday = ({ late }: Person, chance: Chance): number[] => [
  (9 + late / 3) * HOUR + chance.about(0, 0.4) * HOUR,
  ...(chance.of(0.8) ? [13.5 * HOUR + chance.about(0, 0.5) * HOUR] : []),
  ...(chance.of(0.4) ? [16 * HOUR + chance.about(0, 0.8) * HOUR] : []),
  ...(chance.of(0.3) ? [(20 + late) * HOUR + chance.about(0, 1) * HOUR] : []),
]

const leisure = ({ late }: Person, chance: Chance): number[] =>
  [10, 15, 20].filter(() => chance.of(0.5)).map((at) => (at + late) * HOUR + chance.about(0, 1.5) * HOUR)

/** At home, in a café or on the way. Half of the visits are on the phone, which moves between networks. */
async function* spare(town: Town, person: Person): Activity {
  const { chance } = town
  const { abroad: away, home, carrier } = person
  const wifi = away ?? (chance.of(0.1) ? chance.pick(town.cafes) : home)
  if (chance.of(0.5)) {
    const network = person.usesVpn ? chance.pick(town.vpn) : wifi
    return yield* visit(town, person, person.computer, () => network, chance.between(3, 20))
  }
  const roaming: Whereabouts = away ? () => away : () => (chance.of(0.5) ? carrier : wifi)
  // Signs in on the computer too, with the code that the phone still shows.
  if (chance.of(0.03)) {
    const screen = visit(town, person, person.computer, () => wifi, 4)
    town.schedule.start(town.schedule.now + chance.between(2, 20) * SECOND, screen)
  }
  yield* visit(town, person, person.phone, roaming, chance.between(2, 14))
}

/** Updates browsers and replaces machines, with small probabilities. */
function ageDevices({ chance }: Town, person: Person): void {
  if (chance.of(0.1)) person.computer.update()
  if (chance.of(0.1)) person.phone.update()
  if (chance.of(0.003)) person.computer = newComputer(chance)
  if (chance.of(0.003)) person.phone = newPhone(chance)
}

/** A journey with the hours of its flights, during which there is no network. */
async function* journey(town: Town, person: Person, midnight: number): Activity {
  const { chance, schedule } = town
  const { network, hours } = hotel(chance)
  yield midnight + chance.between(6, 9) * HOUR - schedule.now
  yield* visit(town, person, person.phone, () => person.home, 3)
  yield hours * HOUR
  person.abroad = network
  yield* spare(town, person)
  yield chance.between(1, 2) * DAY
  yield* spare(town, person)
  yield hours * HOUR
  person.abroad = undefined
  yield* spare(town, person)
}

/** A person registers and visits some pages. */
export async function* join(town: Town, n: number, from: Network | undefined): Activity {
  const { chance, site } = town
  const person = newPerson(town, n, undefined)
  const { email, password, computer } = person
  const network = from ?? person.home
  const visitor = () => visitorOf(town, computer, network)
  if (chance.of(0.02)) {
    // The address has an account already. The answer is the same; a mail tells the owner.
    await site.register(visitor(), `person${chance.between(0, town.size - 1)}@example.test`, password)
    return
  }
  while (chance.of(0.15)) {
    await site.register(visitor(), email, WEAK_PASSWORD)
    yield chance.between(10, 60) * SECOND
  }
  while ((await site.register(visitor(), email, password)) !== 'accepted') yield 10 * MINUTE
  yield chance.between(10, 90) * SECOND
  while (!(await site.confirm(visitor(), email))) yield 10 * MINUTE
  yield chance.between(2, 40) * SECOND
  if (!(yield* signIn(town, person, computer, network))) return
  if (chance.of(0.2)) {
    yield chance.between(1, 9) * MINUTE
    // The first device of an account is never new to it.
    if (await site.view(visitor())) yield* switchSecondFactor(town, person, visitor())
  }
  yield* visit(town, person, computer, () => network, chance.between(3, 15))
}
