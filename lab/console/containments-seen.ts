import type { IndexedLog } from 'alertproof'
import { textIn, userIn } from './log-text.ts'

const MAX_KEPT = 200

/** What the events tell of a containment. */
export interface ContainmentSeen {
  readonly id: string
  readonly detection: string
  /** What it acted on, as a value of the group of its alert; undefined where the event does not name it. */
  readonly subject: string | undefined
  /**
   * Whether it is the first one that ended its session. Only it can have refused a request before its own event: the store
   * refuses as soon as it is written, a moment before the event is.
   */
  readonly isFirst: boolean
  readonly event: IndexedLog
  /** The first request that it refused. */
  refused: IndexedLog | undefined
}

/** The newest containments by their events, each with the first request that was refused because of it. */
export class ContainmentsSeen {
  #seen: ContainmentSeen[] = []
  /** By what was acted on: the newest containment without a refusal. */
  readonly #open = new Map<string, ContainmentSeen>()
  /** Refusals that no containment explains so far, because the logs of the hosts come by different ways. */
  #unexplained: IndexedLog[] = []

  /** @returns the detection of the containment that is new or has got its refusal */
  see(log: IndexedLog): string | undefined {
    const { attributes } = log
    if (attributes.evt === 'contain') return this.#contained(log)
    if (isRefusal(attributes)) return this.#refused(log)
    return undefined
  }

  /** Oldest first. @param ids of the containments that deliveries named */
  of(detection: string, subject: string | undefined, ids: ReadonlySet<string>, since: number): ContainmentSeen[] {
    return this.#seen.filter(
      (each) =>
        ids.has(each.id) ||
        (each.detection === detection &&
          subject !== undefined &&
          each.subject === subject &&
          each.event.timestamp >= since),
    )
  }

  /** Epoch ms of the event that reports the effect of a containment. */
  effectOf(id: string): number | undefined {
    return this.#seen.find((each) => each.id === id && isEffective(each.event))?.event.timestamp
  }

  #contained(event: IndexedLog): string | undefined {
    const { attributes } = event
    const [id, detection] = [textIn(attributes, 'containment_id'), textIn(attributes, 'detection')]
    if (id === undefined || detection === undefined) return undefined
    const subject = textIn(attributes, 'sid') ?? textIn(attributes, 'blocked_network') ?? userIn(attributes)
    const isFirst = !this.#seen.some((each) => each.subject === subject && isEffective(each.event))
    const seen: ContainmentSeen = { id, detection, subject, isFirst, event, refused: undefined }
    this.#seen.push(seen)
    if (this.#seen.length > MAX_KEPT) this.#seen.shift()
    if (isEffective(event) && subject !== undefined) this.#awaitRefusal(subject, seen)
    return detection
  }

  #awaitRefusal(subject: string, seen: ContainmentSeen): void {
    seen.refused = this.#unexplained.find((log) => isOf(log, subject) && canExplain(seen, log))
    if (seen.refused) return
    this.#open.set(subject, seen)
    const [oldest] = this.#open.keys()
    if (this.#open.size > MAX_KEPT && oldest !== undefined) this.#open.delete(oldest)
  }

  #refused(log: IndexedLog): string | undefined {
    for (const subject of subjectsOf(log)) {
      const seen = this.#open.get(subject)
      if (!seen || !canExplain(seen, log)) continue
      seen.refused = log
      this.#open.delete(subject)
      return seen.detection
    }
    this.#unexplained.push(log)
    if (this.#unexplained.length > MAX_KEPT) this.#unexplained.shift()
    return undefined
  }
}

const isEffective = ({ attributes: { outcome } }: IndexedLog): boolean => outcome === 'success' || outcome === 'noop'

/** Whether a request was refused for its session or its network. */
const isRefusal = ({ evt, outcome, reason }: IndexedLog['attributes']): boolean =>
  reason === 'blocked' || (evt === 'session' && (outcome === 'revoked' || (outcome === 'seen' && reason === 'refused')))

const canExplain = ({ event, isFirst }: ContainmentSeen, { timestamp, attributes }: IndexedLog): boolean =>
  timestamp >= event.timestamp ||
  (isFirst &&
    attributes.reason === 'contained' &&
    attributes.sid === event.attributes.sid &&
    attributes.sid !== undefined)

const subjectsOf = ({ attributes }: IndexedLog): string[] =>
  [textIn(attributes, 'sid'), userIn(attributes), textIn(attributes, 'network')].flatMap((each) => each ?? [])

const isOf = (log: IndexedLog, subject: string): boolean => subjectsOf(log).includes(subject)
