import { isDeeperThan } from 'alertproof/intake'
import * as z from 'zod'

/** The limit of one request; the SDK sends about 16 KiB. */
export const RUM_BYTES = 1024 * 1024
const MAX_EVENTS = 1000
const MAX_DEPTH = 20
/** The path to which the SDK would send without a proxy. */
const TRACK = '/api/v2/rum'

/** The RUM application of this account. */
export interface RumApplication {
  id: string
  clientToken: string
  /** The loopback origin whose pages may report. */
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
 * Reads a request of the SDK to its `proxy`: the original address in `ddforward`, and events as lines of JSON. One bad line
 * refuses the whole request and is named, so that faults are visible in the lab.
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

const BASE = 'http://intake.invalid'

/** A real proxy forwards to this address, so it must not name another host. */
function checkTarget(forward: string | null, { clientToken }: RumApplication): void {
  if (!forward) throw new Refusal(400, 'ddforward is missing')
  const target = URL.canParse(forward, BASE) ? new URL(forward, BASE) : undefined
  if (!forward.startsWith('/') || target?.origin !== BASE) throw new Refusal(400, 'ddforward must be a path')
  if (target.pathname !== TRACK)
    throw new Refusal(400, `ddforward must be ${TRACK}: session replay and profiles are not supported`)
  const parameters = target.searchParams
  if (parameters.get('ddsource') !== 'browser') throw new Refusal(400, 'ddsource must be browser')
  if (parameters.get('dd-api-key') !== clientToken)
    throw new Refusal(403, 'the client token does not belong to this account')
  if (parameters.has('dd-evp-encoding')) throw new Refusal(400, 'compressed batches are not supported')
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
  if (lines.length > MAX_EVENTS) throw new Refusal(400, `more than ${MAX_EVENTS} events in one request`)
  return lines
}

function readEvent(line: string, at: number, { id }: RumApplication): RumEvent {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    throw new Refusal(400, `line ${at} is not JSON`)
  }
  // Events are serialized recursively when they are listed.
  if (isDeeperThan(parsed, MAX_DEPTH)) throw new Refusal(400, `line ${at} nests deeper than ${MAX_DEPTH} levels`)
  const event = Event.safeParse(parsed)
  if (!event.success) {
    const [issue] = event.error.issues
    throw new Refusal(400, `line ${at} is not a RUM event: ${issue?.path.join('.') || 'the value'}`)
  }
  if (event.data.application.id !== id) throw new Refusal(403, `line ${at} belongs to another application`)
  return event.data
}
