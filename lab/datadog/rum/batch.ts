import { isDeeperThan } from 'alertproof/intake'
import * as z from 'zod'

/** Of one request; the SDK sends some 16 KiB. */
export const RUM_BYTES = 1024 * 1024
const EVENTS_AT_MOST = 1000
const MAX_DEPTH = 20
/** Where the SDK would have sent it without a proxy. */
const TRACK = '/api/v2/rum'

/** The RUM application of this account. */
export interface RumApplication {
  id: string
  clientToken: string
  /** Whose pages may report: an origin of loopback. */
  origin: string
}

const Event = z.looseObject({
  type: z.enum(['view', 'view_update', 'action', 'resource', 'error', 'long_task', 'vital']),
  date: z.number().int().min(0),
  application: z.looseObject({ id: z.uuid() }),
  session: z.looseObject({ id: z.uuid() }),
  view: z.looseObject({ id: z.uuid() }),
})
export type RumEvent = z.infer<typeof Event>

export type RumAnswer =
  | { kind: 'accepted'; events: RumEvent[] }
  | { kind: 'refused'; status: 400 | 403; detail: string }

/**
 * Reads what the SDK posts to its `proxy`: the address it was made for in `ddforward`, the events as lines of JSON.
 * One bad line refuses the request, with its position: in a lab a fault should show.
 * @see https://docs.datadoghq.com/real_user_monitoring/guide/proxy-rum-data
 */
export function readRumBatch(forward: string | null, body: Buffer, application: RumApplication): RumAnswer {
  try {
    checkTarget(forward, application)
    return { kind: 'accepted', events: linesOf(body).map((line, at) => readEvent(line, at, application)) }
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', status: error.status, detail: error.message }
    throw error
  }
}

class Refusal extends Error {
  readonly status: 400 | 403

  constructor(status: 400 | 403, detail: string) {
    super(detail)
    this.status = status
  }
}

const OURS = 'http://intake.invalid'

/** A real proxy forwards to this address: one that named a host of its own would send it there. */
function checkTarget(forward: string | null, { clientToken }: RumApplication): void {
  if (!forward) throw new Refusal(400, 'no ddforward')
  const target = URL.canParse(forward, OURS) ? new URL(forward, OURS) : undefined
  if (!forward.startsWith('/') || target?.origin !== OURS) throw new Refusal(400, 'ddforward is not a path')
  if (target.pathname !== TRACK)
    throw new Refusal(400, `ddforward is not ${TRACK}: the lab takes neither replay nor profiles`)
  const parameters = target.searchParams
  if (parameters.get('ddsource') !== 'browser') throw new Refusal(400, 'ddsource is not browser')
  if (parameters.get('dd-api-key') !== clientToken) throw new Refusal(403, 'the client token is not of this account')
  if (parameters.has('dd-evp-encoding')) throw new Refusal(400, 'compressed batches are not taken')
}

function linesOf(body: Buffer): string[] {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new Refusal(400, 'the body is not UTF-8')
  }
  const lines = text.split('\n').filter((line) => line !== '')
  if (lines.length === 0) throw new Refusal(400, 'the body is empty')
  if (lines.length > EVENTS_AT_MOST) throw new Refusal(400, `more than ${EVENTS_AT_MOST} events in one request`)
  return lines
}

function readEvent(line: string, at: number, { id }: RumApplication): RumEvent {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    throw new Refusal(400, `line ${at} is not JSON`)
  }
  // What is shown again is written out by recursion.
  if (isDeeperThan(parsed, MAX_DEPTH)) throw new Refusal(400, `line ${at} nests deeper than ${MAX_DEPTH} levels`)
  const event = Event.safeParse(parsed)
  if (!event.success) {
    const [issue] = event.error.issues
    throw new Refusal(400, `line ${at} is no RUM event: ${issue?.path.join('.') || 'the value'}`)
  }
  if (event.data.application.id !== id) throw new Refusal(403, `line ${at} is of another application`)
  return event.data
}
