import { type DrillPlan, drill } from './drill.ts'
import type { Stage } from './stage.ts'
import type { Tally } from './verdict.ts'

/** What a scenario needs. */
export type Need = 'redis-server' | 'linux' | 'mount'

/** A row of the table. */
export type Row = Tally & { readonly remark?: string }

/** One fault of the table. */
export interface Scenario {
  /** What `--only` takes. */
  readonly name: string
  /** In words, for the table. */
  readonly fault: string
  readonly injected: string
  readonly needs?: readonly Need[]
  /** @param victims how many there are, unless the fault asks for another number */
  run(stage: Stage, victims: number): Promise<Row>
}

/** Scenarios that share a lab, one after the other. */
export interface Group {
  readonly name: string
  /** Settings of both hosts. */
  readonly settings?: Readonly<{ [variable: string]: string }>
  /** On a small file system of its own, which can be filled. */
  readonly smallDisk?: boolean
  /** Measured against time rather than against a fault: no other lab runs beside it. */
  readonly alone?: boolean
  /** The timer's own period alone: once a minute, as deployed. */
  readonly realPeriod?: boolean
  readonly scenarios: readonly Scenario[]
}

interface Drilled extends Pick<Scenario, 'name' | 'fault' | 'injected' | 'needs'> {
  readonly begin: DrillPlan['fault']
  readonly seconds: number
  readonly tries?: DrillPlan['tries']
  readonly trigger?: DrillPlan['trigger']
  readonly victims?: number
  readonly remark?: string
}

/** A scenario whose course is that of {@link drill}; its sender tries once, unless it says otherwise. */
export function drilled({ begin, seconds, tries = 1, trigger, victims, remark, ...about }: Drilled): Scenario {
  return {
    ...about,
    async run(stage, usual) {
      const plan = { tries, fault: begin, lastsMs: seconds * 1000, ...(trigger && { trigger }) }
      const row = await drill(stage, { ...plan, count: victims ?? usual })
      return remark === undefined ? row : { ...row, remark }
    },
  }
}
