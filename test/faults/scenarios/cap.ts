import { raiseAlarm, type Trigger } from '../alarm.ts'
import type { Person } from '../cast.ts'
import { type Crowd, gather, measure, subjectOf, untilKnown } from '../drill.ts'
import type { Group, Row } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'
import { HEAL_MS } from '../verdict.ts'

const CAP = 25

/** Waits until each victim is out or its row is held, and says how many were ended beyond the cap. */
async function capped(stage: Stage, crowd: Crowd, endedAt: number, trigger?: Trigger): Promise<Row> {
  const held = new Set<Person>()
  const nameOf = subjectOf(trigger)
  await decided(stage, crowd.victims, endedAt, trigger)
  const looks = await untilKnown(stage, crowd.victims)
  for (const victim of crowd.victims) {
    const isHeld = stage.record
      .about(nameOf(victim))
      .some(({ outcome, reason }) => outcome === 'refused' && reason === 'cap')
    if (isHeld && looks.get(victim) === 'in') held.add(victim)
  }
  const row = await measure(stage, crowd, endedAt, { held, subjectOf: nameOf })
  const beyond = Math.max(0, crowd.victims.length - held.size - row.lost - CAP)
  return {
    ...row,
    wronglyDead: row.wronglyDead + beyond,
    remark: `${crowd.victims.length - held.size - row.lost} ended, ${held.size} held by the cap of ${CAP}`,
  }
}

/** Waits until something was said about each of them. */
async function decided(stage: Stage, people: readonly Person[], since: number, trigger?: Trigger): Promise<void> {
  const isDecided = (person: Person) => stage.record.about(subjectOf(trigger)(person)).length > 0
  while (!people.every(isDecided) && Date.now() < since + HEAL_MS) await wait(500, stage.signal)
}

async function begin(stage: Stage, count: number, tries: 1 | 6) {
  stage.sender.retrySpacingMs = SPACING[tries] ?? []
  return gather(stage, count)
}

/** A cap is spent for ten minutes, so each scenario has a detection of its own. */
const detections: Readonly<{ [scenario: string]: Trigger }> = {
  atOnce: 'session-reuse',
  killed: 'session-fork',
  noUpdates: 'impossible-travel',
  restored: 'otp-replay',
}

export const cap: Group = {
  name: 'cap',
  settings: { CONTAIN_CAP: String(CAP) },
  scenarios: [
    {
      name: 'cap-killed',
      fault: `cap ${CAP}, functions killed in the middle of 60 alerts`,
      injected: 'SIGKILL at five random instants',
      async run(stage) {
        const crowd = await begin(stage, 60, 1)
        const raised = raiseAlarm(stage, crowd.victims, detections.killed)
        for (let times = 0; times < 5; times++) {
          await wait(stage.random.int(400), stage.signal)
          await stage.crash('functions')
        }
        await raised
        return capped(stage, crowd, Date.now())
      },
    },
    {
      name: 'cap-no-updates',
      fault: `cap ${CAP}, 60 alerts, the ledger takes no updates for 3 s`,
      injected: 'proxy',
      async run(stage) {
        const crowd = await begin(stage, 60, 6)
        stage.proxies.tables.set(({ method, path }) =>
          ['PUT', 'PATCH', 'MERGE'].includes(method) && /\/containments\(/.test(path)
            ? { status: 503, headers: { 'content-type': 'application/json' }, body: '{}' }
            : 'none',
        )
        await raiseAlarm(stage, crowd.victims, detections.noUpdates)
        await wait(3000, stage.signal)
        stage.proxies.tables.heal()
        return capped(stage, crowd, Date.now())
      },
    },
    {
      name: 'cap-restored',
      fault: `cap ${CAP}, Redis restored from a dump that is older than the first 30 of 60 alerts`,
      injected: 'SAVE, SIGKILL, the older file put in its place, started again',
      needs: ['redis-server'],
      async run(stage) {
        const crowd = await begin(stage, 60, 1)
        const dump = await stage.redis.dump('before')
        const [first, second] = [crowd.victims.slice(0, 30), crowd.victims.slice(30)]
        await raiseAlarm(stage, first, detections.restored)
        await decided(stage, first, Date.now(), detections.restored)
        await stage.redis.kill()
        await stage.redis.start(dump)
        await raiseAlarm(stage, second, detections.restored)
        return capped(stage, crowd, Date.now(), detections.restored)
      },
    },
    {
      name: 'cap-200',
      fault: `cap ${CAP}, 200 alerts at once`,
      injected: 'log lines',
      async run(stage) {
        const crowd = await begin(stage, 200, 1)
        await raiseAlarm(stage, crowd.victims, detections.atOnce)
        return capped(stage, crowd, Date.now())
      },
    },
  ],
}
