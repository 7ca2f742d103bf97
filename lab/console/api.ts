// The data of the console: JSON under /lab/, and server-sent events at /lab/stream?events=…. Instants are epoch ms on the clock of the lab.
// A fault is answered in the form of Datadog's API: `{ errors: [{ status, title, detail }] }`. POST and DELETE need content-type
// application/json, also without a body. docs/console.md has a table of all of it.

/** GET /mail.json?to=&after=&wait= answers `{ mails: Mail[] }`, newest first. */
export type { KeptMail as Mail } from '../mailbox/mailbox.ts'

/** Of a monitor or of a rule of Cloud SIEM. */
export type Detector = 'monitor' | 'rule'

export type Group = Readonly<Record<string, string>>

/** What happened, in the order of its causes. */
export type StepName = 'counted' | 'value' | 'transition' | 'delivery' | 'containment' | 'call' | 'refused'

/** What became of a containment: `done` only where something was really done, or where nothing was left to do; `notified` where a person was. */
export type Effect = 'done' | 'notified' | 'observed' | 'waiting' | 'failed' | 'undone' | 'none'

/** One step of a trace. */
export interface TraceStep {
  readonly name: StepName
  readonly at: number
  /** How long it took; absent for an instant. */
  readonly ms?: number
  /** One line for a person, such as "2 devices > 1". */
  readonly title: string
  /** What was sent, received or logged, as text that can be shown as it is. */
  readonly raw: readonly { readonly label: string; readonly text: string }[]
  /** The files that decided it, as paths that GET /lab/files answers. */
  readonly files: readonly string[]
  /** Of a containment. */
  readonly effect?: Effect
}

/** GET /lab/traces?since=&limit= answers `{ traces: Trace[] }`, newest first, at most 200; the event `trace` carries one that is new or has grown. */
export interface Trace {
  /** Of the alert cycle: detection and cycle key. */
  readonly id: string
  readonly detection: string
  readonly by: Detector
  readonly name: string
  readonly group: Group
  readonly started_at: number
  /** In the order of time, causes first. Each event that counted is one step, at most 10. */
  readonly steps: readonly TraceStep[]
  /** Whether a request was refused after the containment. */
  readonly closed: boolean
}

/** One group of a monitor or rule. */
export interface GroupView {
  readonly group: Group
  readonly state: 'OK' | 'Warn' | 'Alert' | 'No Data'
  /** The newest points, oldest first: [epoch ms, value]. Null is a value that does not exist. */
  readonly points: readonly (readonly [number, number | null])[]
}

/** The event `values`: the monitors that have changed, at most four times a second. */
export interface ValuesSent {
  readonly monitors: readonly MonitorView[]
  /** Set after an edit of the detections: those that are not among them no longer exist. */
  readonly all?: true
}

/** GET /lab/values answers `{ monitors: MonitorView[] }`. */
export interface MonitorView {
  readonly detection: string
  readonly by: Detector
  readonly name: string
  readonly query: string
  readonly critical: number | null
  readonly warning: number | null
  readonly comparator: string
  readonly window_seconds: number
  /** Null where it is evaluated at each event. */
  readonly next_evaluation_at: number | null
  readonly facets: readonly string[]
  /** Those with a value in the window or another state than OK, the highest value first; at most 100. */
  readonly groups: readonly GroupView[]
  readonly more_groups: number
  readonly files: readonly string[]
}

/** GET /lab/explain?monitor=&group=<JSON>&at= or &event=<request id> answers `{ text }`: the page of `alertproof explain`, over the logs that are kept. */
export interface Explained {
  readonly text: string
}

/** One holder of a session: a kind of device at an address. */
export interface HolderView {
  readonly device: string | null
  readonly ip: string | null
  readonly country: string | null
  readonly user_agent: string | null
  readonly first_at: number
  readonly last_at: number
  readonly uses: number
  readonly refused: number
}

/** GET /lab/sessions answers `{ sessions: SessionView[] }`, the newest first; the event `session` carries one that is new or has changed. */
export interface SessionView {
  readonly sid: string
  readonly user: string | null
  readonly started_at: number
  readonly last_at: number
  /** When it ended, and what ended it, such as `contain` or `logout`; null while it is alive. */
  readonly ended_at: number | null
  readonly ended_by: string | null
  readonly holders: readonly HolderView[]
}

/** GET /lab/containments answers `{ containments: ContainmentView[] }`, newest first, from the ledger; the event `containments` says that it should be read again. */
export interface ContainmentView {
  /** For the actions below. */
  readonly id: string
  readonly detection: string
  readonly by: Detector
  readonly action: string
  readonly subject: string
  readonly state: string
  readonly result: string | null
  readonly reason: string | null
  /** `observe` where the row says only what would have been done. */
  readonly mode: 'enforce' | 'observe'
  readonly alert_at: number
  readonly changed_at: number
  /** From the alert to the effect; null without one. */
  readonly latency_ms: number | null
  /** What an operator may do now. */
  readonly can: readonly ('approve' | 'retry' | 'undo')[]
}

/** POST /lab/containments answers `{ state, message }`. */
export interface ContainmentAsked {
  readonly id: string
  readonly do: 'approve' | 'retry' | 'undo'
  /** Required: it stands in the log. */
  readonly reason: string
}

/** GET /lab/attacks answers `{ attacks: AttackView[], running: AttackRun[] }`: runs that have ended too, newest first, at most 20. */
export interface AttackView {
  readonly slug: string
  readonly title: string
  readonly techniques: readonly { readonly id: string; readonly name: string }[]
  readonly targets: readonly ('web' | 'functions')[]
  readonly does: string
  /** What ends it: a containment, a person who is notified, or a refusal at its decisive step. */
  readonly ends: 'contained' | 'notified' | 'prevented'
  readonly twin: string
  readonly twin_does: string
  /** Whether it can rob the session of the person at the screen. */
  readonly can_be_mine: boolean
  readonly runbook: string | null
}

/** POST /lab/attacks answers 202 `{ run: AttackRun }`; 409 while another one runs. DELETE /lab/attacks?run= stops one. */
export interface AttackAsked {
  readonly slug: string
  readonly target: 'web' | 'functions' | 'both'
  readonly twin?: boolean
  readonly seed?: number
  /** Pause between the steps in ms, for a class; 0 to 5000. */
  readonly pace?: number
  /** Robs the session of the person at the screen: the one with this sid, or the one that was used last. */
  readonly mine?: { readonly sid?: string }
}

/** The event `attack` carries a run that is new or has grown. */
export interface AttackRun {
  readonly id: string
  readonly slug: string
  readonly target: 'web' | 'functions' | 'both'
  readonly twin: boolean
  readonly seed: number
  readonly started_at: number
  readonly ended_at: number | null
  /** By which the events of the run are found: one for each target so far. */
  readonly run_ids: readonly string[]
  /** The story so far: its newest 500 lines. */
  readonly lines: readonly AttackLine[]
  /** Whether each check holds; null while it runs. */
  readonly ok: boolean | null
  readonly error: string | null
}

export interface AttackLine {
  readonly at: number
  readonly text: string
  /** Who acts, such as `attacker` or `Datadog`; null for a heading. */
  readonly who: string | null
  /** After the origin of the story; null before there is one. */
  readonly ms: number | null
}

/** GET /lab/deliveries answers `{ deliveries: DeliveryView[], drop_next: number }`, newest first; the event `delivered` carries one. */
export interface DeliveryView {
  readonly id: number
  /** The id of its trace. */
  readonly trace: string
  readonly detection: string
  readonly by: Detector
  readonly webhook: string
  readonly transition: string
  readonly queued_at: number
  readonly state: 'pending' | 'delivered' | 'refused' | 'failed' | 'dropped'
  /** Whether a person sent it from here. */
  readonly again: boolean
  readonly payload: string
  readonly tries: readonly {
    readonly at: number
    readonly ms: number
    /** Null if there was no answer; then `answer` says why. */
    readonly status: number | null
    readonly answer: string
  }[]
}

/** POST /lab/deliveries: sends one again, or drops the next ones (0 to 100). Answers 202 `{ ids, drop_next }`: the new deliveries. */
export type DeliveryAsked =
  | {
      readonly id: number
      /** Replaces the payload. */
      readonly payload?: string
      /** How often, at once; 1 to 10. */
      readonly times?: number
      /** How late; at most 600 s. */
      readonly delay_seconds?: number
    }
  | { readonly drop_next: number }

/**
 * GET /lab/search?query=&from=&to=&columns=&by=&limit= answers this, over the logs that are kept. `from` and `to` are epoch ms, ISO 8601,
 * or how long ago (`15m`); `columns` and `by` are fields with commas, as `search` takes them. A fault is answered with 400.
 */
export interface Found {
  readonly matched: number
  /** Newest first, with the whole line each. */
  readonly rows: readonly { readonly at: number; readonly cells: readonly string[]; readonly line: string }[]
  readonly columns: readonly string[]
  /** With `by`: how many by value, most first. */
  readonly counts: readonly { readonly value: string; readonly count: number }[]
  /** How many matched over time: at most 60 of equal length from the first to the last instant; [begin, count]. */
  readonly buckets: readonly (readonly [number, number])[]
  /** What the search suggests, such as "evt:login matched nothing; did you mean @evt:login?". */
  readonly hints: readonly string[]
}

/** GET /lab/tail answers this; the event `logs` carries it, at most four times a second: all are counted, some are shown. */
export interface LogTail {
  readonly total: number
  readonly per_second: number
  /** The newest, at most 50. */
  readonly newest: readonly { readonly at: number; readonly evt: string; readonly line: string }[]
}

/** GET /lab/console answers what the page needs first. */
export interface ConsoleInfo {
  readonly urls: { readonly web: string; readonly functions: string }
  readonly mode: string
  readonly version: string
  /** What this lab can do: `attacks`, `containments`, `mail`, `rum`, `mine`. */
  readonly can: readonly string[]
  /** Set in an exercise: its name, without its answer. */
  readonly exercise: string | null
}
