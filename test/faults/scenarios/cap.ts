import { raiseAlarm, type Trigger } from '../alarm.ts'
import type { Person } from '../cast.ts'
import { type Crowd, gather, reckon, untilKnown } from '../drill.ts'
import type { Group, Reckoned } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'
import { HEAL_MS } from '../verdict.ts'

const CAP = 25

/** Waits until each victim is out or its row is held, and says how many were ended beyond the cap. */
async function capped(stage: Stage, crowd: Crowd, endedAt: number): Promise<Reckoned> {
  const held = new Set<Person>()
  const decided = (person: Person) => stage.record.about(person.sid).length > 0
  while (!crowd.victims.every(decided) && Date.now() < endedAt + HEAL_MS) await wait(500, stage.signal)
  const looks = await untilKnown(stage, crowd.victims)
  for (const victim of crowd.victims) {
    const isHeld = stage.record
      .about(victim.sid)
      .some(({ outcome, reason }) => outcome === 'refused' && reason === 'cap')
    if (isHeld && looks.get(victim) === 'in') held.add(victim)
  }
  const row = await reckon(stage, crowd, endedAt, { held })
  const beyond = Math.max(0, crowd.victims.length - held.size - row.lost - CAP)
  return {
    ...row,
    wronglyDead: row.wronglyDead + beyond,
    remark: `${crowd.victims.length - held.size - row.lost} ended, ${held.size} held by the cap of ${CAP}`,
  }
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
