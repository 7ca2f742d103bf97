import type { Cluster, Command, Redis } from 'ioredis'
import { afterPoll, NoAnswer } from '../../bounded.ts'
import { unchecked } from '../../unchecked.ts'
import { StoreAway } from '../away.ts'
import { type Fault, type Judge, type Pass, pauseBefore, type StoreGuard } from '../guard.ts'

/** What ioredis sends by itself while it connects. Left to its own short limit, or nothing would ever connect again. */
const HANDSHAKE = new Set(['auth', 'hello', 'select', 'client', 'readonly', 'info'])
const HANDSHAKE_MS = 2_000
const OVERDUE_MS = 1_500
/** Sent twice they have the effect of once, which is none. */
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
/** What Redis answers when it cannot serve, alone or inside the message of a script that failed with it. */
const REFUSAL =
  /(?:^|[\s-])(?:BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|MOVED|NOAUTH|NOPERM|NOREPLICAS|OOM|READONLY|TRYAGAIN|UNKILLABLE|WRONGPASS|ERR max number of clients) /
/** Of those, what passes by itself within moments. */
const PASSING = /^(?:CLUSTERDOWN|LOADING|MASTERDOWN|TRYAGAIN|ERR max number of clients) /

/** @param isRepeatable of a command whose reply was lost */
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
  /** When it was handed to the connection; until then it waits for one, and nothing of it can have been carried out. */
  sentAt: number | undefined
}
/** Where a command keeps its call: ioredis hands the same command in again when a connection is there. */
const CALL = Symbol('call')
type Guarded = Command & { [CALL]?: Call }

/**
 * Replies come in order, so a connection that owes this one has nothing for the others. It is given up: a new one may do
 * better, and no later reply can be taken for the answer to something else.
 */
const isOverdue = (sentAt: number | undefined) => sentAt !== undefined && performance.now() - sentAt >= OVERDUE_MS
const sentNow = (client: Redis | Cluster) => (client.status === 'ready' ? performance.now() : undefined)

/**
 * Gives every command of a client its limit of time, and tries again what may be: commands that were never sent, and
 * reads. A command that may have been carried out is not repeated, and one whose time is over is not sent any more.
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
      if (!(error instanceof StoreAway)) throw error
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
