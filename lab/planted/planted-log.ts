import { addressFields } from '../../shared/client/address.ts'
import { type Facts, type Recipe, recipes } from './recipes.ts'

/** A change of state that the log must bring about, and nothing but these. */
export interface Expected {
  readonly at: number
  readonly monitor: string
  readonly transition: 'Triggered' | 'Re-Triggered' | 'Recovered'
  readonly group: Readonly<Record<string, string>>
  readonly value: number
}

interface Event {
  readonly at: number
  readonly line: string
}

export interface PlantedLog {
  /** One JSON event each, in order of time. */
  readonly events: readonly Event[]
  /** In order of time, in arrival mode. */
  readonly expected: readonly Expected[]
}

const begin = Date.UTC(2026, 2, 2, 8)
const second = 1000
const minute = 60 * second
/** How long apart the subjects of one detection begin. */
const apartMs = 7 * minute
const silence = { slug: 'telemetry-silence', windowMs: 3 * minute, beatMs: 30 * second }

/**
 * Makes a log in which every detection is taken over its threshold by some subjects and almost by others, among ordinary use.
 * @param size about how many events; the same size and seed are always the same log
 */
export function plantedLog(size: number, seed = 1): PlantedLog {
  const random = lehmer(seed)
  const events: Event[] = []
  const expected: Expected[] = []
  const add = (at: number, facts: Facts, env = 'prod') => {
    const timestamp = new Date(at).toISOString()
    events.push({ at, line: JSON.stringify({ timestamp, level: 'info', service: 'mini-ato-saas', env, ...facts }) })
  }
  // Planted are about one in four events; the rest is ordinary use, spread over the same time.
  const rounds = Math.max(1, Math.round(size / 4 / plantedEach()))
  const lastsMs = rounds * apartMs * 6 + 2 * 60 * minute
  for (const [slug, recipe] of Object.entries(recipes)) {
    for (let i = 0; i < rounds * 6; i++) {
      const at = begin + i * apartMs + Math.floor(random() * minute)
      plant({ slug, recipe, subject: `${slug}-${i}`, at, random, add }, i % 6, expected)
    }
  }
  plantSilence(begin, lastsMs, add, expected)
  for (const ordinary = size - events.length, from = events.length; events.length < from + ordinary; ) {
    add(begin + Math.floor(random() * lastsMs), ordinaryUse(random))
  }
  events.sort((a, b) => a.at - b.at)
  return { events, expected: expected.sort(inOrder) }
}

interface Plot {
  readonly slug: string
  readonly recipe: Recipe
  readonly subject: string
  readonly at: number
  readonly random: () => number
  readonly add: (at: number, facts: Facts, env?: string) => void
}

/** Two attacks and four near misses, by turns. */
function plant(plot: Plot, kind: number, expected: Expected[]): void {
  const { recipe, subject, at, add } = plot
  const { most, windowMs, counts, almost } = recipe
  switch (kind) {
    case 0: // well within the window
      attack(plot, spread(most + 1, Math.floor(windowMs / 2)), expected)
      return
    case 1: // the last event comes in the last millisecond of the window
      attack(plot, spread(most + 1, windowMs - 1), expected)
      return
    case 2: // one too few
      for (const [i, after] of spread(most, windowMs - 1).entries()) add(at + after, counts(subject, i))
      return
    case 3: // the last event comes a millisecond too late
      for (const [i, after] of spread(most, 0).entries()) add(at + after, counts(subject, i))
      if (most > 0) add(at + windowMs, counts(subject, most))
      return
    case 4: // enough, but one of another environment
      for (const [i, after] of spread(most + 1, windowMs / 2).entries()) {
        add(at + after, counts(subject, i), i === most ? 'staging' : 'prod')
      }
      return
    default: // more than enough of what does not count
      for (const [i, after] of spread(most + 5, windowMs / 2).entries()) add(at + after, almost(subject, i))
  }
}

function attack({ slug, recipe, subject, at, add }: Plot, times: readonly number[], expected: Expected[]): void {
  for (const [i, after] of times.entries()) add(at + after, recipe.counts(subject, i))
  const group = { [recipe.facet]: subject }
  const { most, windowMs, remindMs = Number.POSITIVE_INFINITY } = recipe
  expected.push({ at: at + (times.at(-1) as number), monitor: slug, transition: 'Triggered', group, value: most + 1 })
  const recoversAt = (times[0] as number) + windowMs
  for (let after = (times.at(-1) as number) + remindMs; after < recoversAt; after += remindMs) {
    const value = times.filter((time) => time > after - windowMs && time <= after).length
    expected.push({ at: at + after, monitor: slug, transition: 'Re-Triggered', group, value })
  }
  const left = times.filter((after) => after > (times[0] as number)).length
  expected.push({
    at: at + recoversAt,
    monitor: slug,
    transition: 'Recovered',
    group,
    value: left,
  })
}

/** So many moments from 0 to `lastMs`, the first and the last among them. */
const spread = (count: number, lastMs: number): number[] =>
  Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * lastMs) / (count - 1))))

/** A heartbeat that pauses twice: once for exactly a window, which is no silence yet, and once for a millisecond more. */
function plantSilence(from: number, lastsMs: number, add: Plot['add'], expected: Expected[]): void {
  const { slug, windowMs, beatMs } = silence
  const beat = (at: number) => add(at, { evt: 'sweep', outcome: 'success', counts: { pending: 0 }, duration_ms: 12 })
  const almost = from + Math.floor(lastsMs / 3)
  const really = from + Math.floor(lastsMs / 2)
  let at = from
  for (; at < almost; at += beatMs) beat(at)
  at = at - beatMs + windowMs
  for (; at < really; at += beatMs) beat(at)
  const last = at - beatMs
  const again = last + windowMs + 1
  expected.push({ at: last + windowMs, monitor: slug, transition: 'Triggered', group: {}, value: 0 })
  expected.push({ at: again, monitor: slug, transition: 'Recovered', group: {}, value: 1 })
  for (at = again; at < from + lastsMs; at += beatMs) beat(at)
}

/** People with one device each, who mistype now and then, from addresses and accounts that no plant has. */
function ordinaryUse(random: () => number): Facts {
  const person = Math.floor(random() * 40_000)
  const request = {
    ...addressFields(`10.${person % 250}.${(person >> 3) % 250}.${person % 199}`),
    user_agent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) "quoted" \\ AppleWebKit/605.1.15 Safari/605.1.15',
    device_hash: `device-${person}`,
    via: 'web',
    request_id: Math.floor(random() * 2 ** 40).toString(16),
  }
  const user = { usr: { id: `user-${person}` }, sid: `session-${person}` }
  const luck = random()
  if (luck < 0.6) return { evt: 'session', outcome: 'seen', reason: 'accepted', ...request, ...user }
  if (luck < 0.8) return { evt: 'session', outcome: 'renewed', ...request, ...user }
  if (luck < 0.81) return { ...fails, ...request, login_hash: `login-${person}`, usr: { exists: true } }
  return { evt: 'login', outcome: 'success', ...request, ...user, login_hash: `login-${person}`, device_known: true }
}

const fails = { evt: 'login', outcome: 'fail', reason: 'wrong_password' }

/** Events of all recipes in one round of six subjects each. */
const plantedEach = (): number => Object.values(recipes).reduce((sum, { most }) => sum + 6 * most + 9, 0)

export const inOrder = (a: Expected, b: Expected): number =>
  a.at - b.at || compare(a.monitor, b.monitor) || compare(JSON.stringify(a.group), JSON.stringify(b.group))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** In the order of an arrival up to `latenessMs` after their time. */
export function delayed(events: readonly Event[], latenessMs: number, seed = 2): Event[] {
  const random = lehmer(seed)
  return events
    .map((event) => ({ event, arrives: event.at + Math.floor(random() * (latenessMs + 1)) }))
    .sort((a, b) => a.arrives - b.arrives)
    .map(({ event }) => event)
}

/** A small seeded generator, so that every run is the same. @see Park and Miller, Random number generators: good ones are hard to find (1988) */
function lehmer(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
