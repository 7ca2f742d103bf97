import type { Cluster, Command, Redis } from 'ioredis'
import { afterPoll, NoAnswer } from '../../bounded.ts'
import { unchecked } from '../../unchecked.ts'
import { type Fault, type Judge, type Pass, pauseBefore, type StoreGuard } from '../guard.ts'
import { StoreUnavailable } from '../unavailable.ts'

/**
 * The commands that ioredis sends while it connects. They need a short limit of their own: otherwise no connection
 * would ever be made again.
 */
const HANDSHAKE = new Set(['auth', 'hello', 'select', 'client', 'readonly', 'info'])
const HANDSHAKE_MS = 2_000
const OVERDUE_MS = 1_500
/** Commands without any effect, which may be sent twice. */
const READS = new Set([
  'exists',
  'get',
  'hgetall',
  'hmget',
  'info',
  'mget',
  'ping',
  'pttl',
  'ttl',
  'zcard',
  'zcount',
  'zrange',
  'zrangebyscore',
  'zscore',
])
/**
 * The answers of Redis when it cannot serve, alone or in the message of a failed script. ioredis gives them no code.
 */
const REFUSAL =
  /(?:^|[\s-])(?:BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|MOVED|NOAUTH|NOPERM|NOREPLICAS|OOM|READONLY|TRYAGAIN|UNKILLABLE|WRONGPASS|ERR max number of clients) /
/** The ones that pass within moments. */
const PASSING = /^(?:CLUSTERDOWN|LOADING|MASTERDOWN|TRYAGAIN|ERR max number of clients) /

/** @param isRepeatable whether the command may be sent again after its reply was lost */
const judgeFor =
  (isRepeatable: boolean): Judge =>
  (error) => {
    if (!(error instanceof Error)) return undefined
    if (error instanceof TypeError || error instanceof RangeError) return undefined
    if (error.name !== 'ReplyError') return { kind: 'silent', isRepeatable }
    if (!REFUSAL.test(`${error.message} `)) return undefined
    return { kind: 'refusing', isRepeatable: PASSING.test(`${error.message} `) }
  }
const judgeLost = judgeFor(false)
const judgeUnsent = judgeFor(true)

const LATE: Fault = { kind: 'silent', isRepeatable: false }

interface Call {
  pass: Pass
  tries: number
  /** When the command was sent; undefined while it waits for a connection and cannot have been carried out. */
  sentAt: number | undefined
}
/**
 * The call of a command, kept on the command because ioredis passes the same command in again once a connection is
 * there.
 */
const CALL = Symbol('call')
type Guarded = Command & { [CALL]?: Call }

/**
 * Replies come in order, so a connection without this reply has none for later commands either. It is closed: a new
 * one may work, and no later reply can be mistaken for another answer.
 */
const isOverdue = (sentAt: number | undefined) => sentAt !== undefined && performance.now() - sentAt >= OVERDUE_MS
const sentNow = (client: Redis | Cluster) => (client.status === 'ready' ? performance.now() : undefined)

/**
 * Gives every command of a client its time limit, and repeats commands that were never sent, and reads. A command
 * that may have been carried out is not repeated. A command whose time is over is not sent any more.
 */
export function boundCommands(client: Redis | Cluster, guard: StoreGuard): void {
  // The two clients take different arguments after the command; they are passed on as they came.
  const send = unchecked<(command: Command, ...rest: unknown[]) => unknown>(client.sendCommand.bind(client))

  client.sendCommand = (command: Guarded, ...rest: unknown[]) => {
    const known = command[CALL]
    if (known) {
      if (command.isSettled) return command.promise
      known.sentAt = sentNow(client)
      return send(command, ...rest)
    }
    if (client.status === 'connect' && HANDSHAKE.has(command.name)) {
      command.setTimeout(HANDSHAKE_MS)
      return send(command, ...rest)
    }
    let pass: Pass
    try {
      pass = guard.enter()
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      command.reject(error)
      return command.promise
    }
    const call: Call = { pass, tries: 1, sentAt: sentNow(client) }
    command[CALL] = call
    const { resolve, reject } = command
    const isAlone = rest[0] === undefined && command.pipelineIndex === undefined && !command.inTransaction
    const isRead = READS.has(command.name)
    let pause: NodeJS.Timeout | undefined

    const end = (error: unknown, fault: Fault) => reject(guard.failed(pass, fault, error))
    const timer = afterPoll(pass.limitMs, () => {
      if (command.isSettled) return
      clearTimeout(pause)
      if (isOverdue(call.sentAt) && !client.isCluster) client.disconnect(true)
      end(new NoAnswer(pass.limitMs), LATE)
    })
    command.resolve = (reply) => {
      if (command.isSettled) return
      clearTimeout(timer)
      guard.answered()
      return resolve(reply)
    }
    command.reject = (error) => {
      if (command.isSettled) return
      const fault = (isRead || call.sentAt === undefined ? judgeUnsent : judgeLost)(error)
      if (!fault) {
        clearTimeout(timer)
        guard.answered()
        return reject(error)
      }
      const leftMs = pass.limitMs - (performance.now() - pass.startedAt)
      const pauseMs = isAlone && client.status !== 'end' ? pauseBefore(call.tries, fault, leftMs) : undefined
      if (pauseMs === undefined) {
        clearTimeout(timer)
        return end(error, fault)
      }
      call.tries++
      call.sentAt = undefined
      pause = setTimeout(() => void client.sendCommand(command), pauseMs)
    }
    return send(command, ...rest)
  }
  // The handshake was answered.
  client.on('ready', () => guard.answered())
}
