import type { SearchMonitor } from 'alertproof'
import type { DetectionCase, Proof, Timeline } from '../../detections/harness.ts'
import { MINUTE_MS, nextMinute, pathOf, valueAt, withValue } from './events.ts'
import { Scene } from './scene.ts'

/** What is asked of a detection that fires when something adds up. */
export function risingClaims(monitor: SearchMonitor, proof: Proof): DetectionCase[] {
  const scene = new Scene(monitor, proof)
  return [
    ...thresholdClaims(scene),
    ...edgeClaims(scene),
    ...cycleClaims(scene),
    ...(scene.by ? groupClaims(scene, pathOf(scene.by)) : []),
    ...repetitionClaims(scene),
    ...arrivalClaims(scene),
    ...elsewhereClaims(scene),
    almostClaim(scene),
  ]
}

function thresholdClaims(scene: Scene): DetectionCase[] {
  const { reach, windowMs, window, subject } = scene
  const over: DetectionCase = {
    name: `${reach} of ${subject} within ${window} are one alert, until the first has left the window`,
    events: scene.volley(reach),
    fires: scene.alerts(0),
    transitions: scene.alert(reach - 1, windowMs),
    cadence: scene.alert(MINUTE_MS, windowMs + MINUTE_MS),
  }
  const atOnce: DetectionCase = {
    name: `${reach} of ${subject} at one instant recover to nothing at all`,
    events: scene.volley(reach, 0, { stepMs: 0 }),
    fires: scene.alerts(0),
    transitions: scene.alert(0, windowMs),
    cadence: scene.alert(MINUTE_MS, windowMs + MINUTE_MS),
  }
  if (reach === 1) return [over, atOnce]
  return [
    { name: `${reach - 1} of ${subject} within ${window} are silent`, events: scene.volley(reach - 1), fires: false },
    over,
    atOnce,
  ]
}

/** Both sides of the window’s edge, to the millisecond, in both modes. */
function edgeClaims(scene: Scene): DetectionCase[] {
  const { reach, windowMs, window, subject } = scene
  if (reach === 1) {
    const begin = MINUTE_MS - 1
    const last = (gapMs: number) => [scene.one(0, begin), scene.one(1, begin + gapMs)]
    return [
      {
        name: `a second of ${subject} exactly ${window} after the first goes on with its alert`,
        events: last(windowMs),
        fires: scene.alerts(0),
        transitions: scene.alert(0, 2 * windowMs),
        cadence: scene.alert(1, 2 * windowMs + 1),
      },
      {
        name: `a second of ${subject} ${window} and a millisecond after the first is another alert`,
        events: last(windowMs + 1),
        fires: scene.alerts(0, 0),
        transitions: [...scene.alert(0, windowMs), ...scene.alert(windowMs + 1, 2 * windowMs + 1)],
        cadence: [
          ...scene.alert(1, windowMs + 1),
          ...scene.alert(windowMs + MINUTE_MS + 1, 2 * windowMs + MINUTE_MS + 1),
        ],
      },
    ]
  }
  return [
    {
      name: `${reach} of ${subject}, the last a millisecond less than ${window} after the others, fire`,
      events: [...scene.volley(reach - 1, 0, { stepMs: 0 }), scene.one(reach - 1, windowMs - 1)],
      fires: scene.alerts(0),
      transitions: scene.alert(windowMs - 1, windowMs),
      cadence: scene.alert(windowMs, windowMs + MINUTE_MS),
    },
    {
      name: `${reach} of ${subject}, the last exactly ${window} after the others, are silent`,
      events: [...scene.volley(reach - 1, 0, { stepMs: 0 }), scene.one(reach - 1, windowMs)],
      fires: false,
    },
  ]
}

function cycleClaims(scene: Scene): DetectionCase[] {
  const { reach, windowMs, subject } = scene
  const again = 2 * windowMs
  const cycle = (fromMs: number, triggeredAt: number, recoversAfter: number): Timeline =>
    scene.alert(fromMs + triggeredAt, fromMs + recoversAfter)
  return [
    {
      name: `${subject}, over the threshold again after a recovery, is a second alert with a cycle key of its own`,
      events: [...scene.volley(reach), ...scene.volley(reach, again)],
      fires: scene.alerts(0, 0),
      transitions: [...cycle(0, reach - 1, windowMs), ...cycle(again, reach - 1, windowMs)],
      cadence: [...cycle(0, MINUTE_MS, windowMs + MINUTE_MS), ...cycle(again, MINUTE_MS, windowMs + MINUTE_MS)],
    },
    {
      name: `${subject} that goes on and on is one alert`,
      events: Array.from({ length: 5 }, (_, i) => scene.volley(reach, (i * windowMs) / 2)).flat(),
      fires: scene.alerts(0),
      transitions: cycle(0, reach - 1, 3 * windowMs),
      cadence: cycle(0, MINUTE_MS, nextMinute(3 * windowMs)),
    },
  ]
}

function groupClaims(scene: Scene, path: string[]): DetectionCase[] {
  const { reach, windowMs, by } = scene
  const timeline = (triggeredAt: number, recoveredAt: number): Timeline =>
    scene.alert(triggeredAt, recoveredAt).flatMap((each) => [each, each])
  const both = Array.from({ length: reach }, (_, i) => [scene.one(i, i, 0), scene.one(i, i, 1)]).flat()
  const split = (count: number) => Array.from({ length: count }, (_, i) => scene.one(i, i, i % 2))
  const without = (value?: null) => scene.volley(2 * reach).map((event) => withValue(event, path, value))
  return [
    ...(reach === 1 ? [] : [{ name: `${reach} over two ${by?.name} are silent`, events: split(reach), fires: false }]),
    {
      name: `two ${by?.name} over the threshold at once are two alerts`,
      events: both,
      fires: scene.alerts(0, 1),
      transitions: timeline(reach - 1, windowMs),
      cadence: timeline(MINUTE_MS, windowMs + MINUTE_MS),
    },
    { name: `events without ${by?.name} count for nobody`, events: without(), fires: false, outsideContract: true },
    {
      name: `events whose ${by?.name} is null count for nobody`,
      events: without(null),
      fires: false,
      outsideContract: true,
    },
  ]
}

/** A count counts a repeated delivery again, a cardinality does not: Datadog removes no duplicates. */
function repetitionClaims(scene: Scene): DetectionCase[] {
  const { reach, rollup, subject, windowMs } = scene
  const below = scene.volley(Math.max(reach - 1, 1))
  const twice = [...below, ...below]
  if (rollup.kind === 'count') {
    const fires = twice.length >= reach
    const name =
      reach === 1
        ? 'an event delivered twice is one alert'
        : `${reach - 1} of ${subject}, each delivered twice, are counted twice`
    return [{ name, events: twice, fires: fires ? scene.alerts(0) : false }]
  }
  const path = pathOf(rollup.of)
  const counted = (i: number) => valueAt(scene.one(i, 0), path)
  // An address and its network change together in the app's events; a claim about one of them changes that one alone.
  const alone = ['@ip', '@network'].includes(rollup.of.name) ? { outsideContract: true as const } : {}
  const template = (i: number) => withValue(scene.one(0, i), path, counted(i))
  return [
    {
      name: `${reach - 1} of ${subject}, each delivered twice, are counted once`,
      events: twice,
      fires: reach === 1 ? scene.alerts(0) : false,
    },
    {
      name: `${reach} of ${subject} that differ in ${rollup.of.name} alone fire`,
      events: Array.from({ length: reach }, (_, i) => template(i)),
      fires: scene.alerts(0),
      transitions: scene.alert(reach - 1, windowMs),
      ...alone,
    },
    {
      name: `any number of ${subject} with one ${rollup.of.name} is one`,
      events: Array.from({ length: 2 * reach }, (_, i) => withValue(scene.one(i, i), path, counted(0))),
      fires: reach === 1 ? scene.alerts(0) : false,
      ...alone,
    },
    {
      name: `events without ${rollup.of.name} count for nothing`,
      events: scene.volley(2 * reach).map((event) => withValue(event, path, undefined)),
      fires: false,
      outsideContract: true,
    },
  ]
}

/** Logs come late and out of order: sixty seconds of that must change nothing. */
function arrivalClaims(scene: Scene): DetectionCase[] {
  const { reach, windowMs, subject } = scene
  const stepMs = Math.floor((MINUTE_MS - 1) / reach)
  const inOrder = scene.volley(reach, 0, { stepMs })
  const late = 10
  const before = scene.volley(reach - 1, 0, { stepMs: 0 })
  return [
    {
      name: `${reach} of ${subject} that arrive newest first are the same alert at the same time`,
      events: inOrder.toReversed(),
      fires: scene.alerts(0),
      transitions: scene.alert((reach - 1) * stepMs, windowMs),
      cadence: scene.alert(MINUTE_MS, windowMs + MINUTE_MS),
    },
    {
      name: `the last of ${reach}, sixty seconds late, still counts at its own time`,
      events: [...before, scene.elsewhere(late + MINUTE_MS), scene.one(reach - 1, late)],
      fires: scene.alerts(0),
      dropped: 0,
    },
    {
      name: `the last of ${reach}, sixty seconds and a millisecond late, is dropped, and the drop is reported`,
      events: [...before, scene.elsewhere(late + MINUTE_MS + 1), scene.one(reach - 1, late)],
      fires: false,
      dropped: 1,
    },
  ]
}

function almostClaim({ reach, subject, almost }: Scene): DetectionCase {
  const count = 2 * reach
  return {
    name: `${count} events of ${subject} that are one step short are silent`,
    events: almost(count),
    fires: false,
  }
}

/** Staging, and whatever else the account watches. */
function elsewhereClaims(scene: Scene): DetectionCase[] {
  const many = scene.volley(2 * scene.reach)
  return (
    [
      ['env', 'staging', 'another environment'],
      ['env', undefined, 'no environment'],
      ['service', 'another', 'another service'],
      ['service', undefined, 'no service'],
    ] as const
  ).map(([field, value, words]) => ({
    name: `${many.length} events of ${words} are silent`,
    events: many.map((event) => withValue(event, [field], value)),
    fires: false,
    ...(value === undefined ? { outsideContract: true as const } : {}),
  }))
}
