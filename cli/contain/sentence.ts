import { duration } from 'alertproof/cli'
import { isObserved, subjectOf } from '../../functions/contain/row.ts'
import type { Containment, ContainmentReason } from '../../shared/stores/port.ts'

/** What happened to a row, and why, in words for the operator who acted on it. @param now epoch ms */
export function sentenceOf(row: Containment, now: number): string {
  switch (row.state) {
    case 'done':
      return doneOf(row, now)
    case 'undone':
      return undoneOf(row)
    case 'pending':
      return 'It is not finished: a store or web did not answer. The sweeper carries it out within a minute or two.'
    case 'held':
      return `Not carried out, and still held: ${why(row)}.`
    case 'failed':
      return `It cannot be carried out: ${why(row)}.`
    case 'closed':
      return isObserved(row)
        ? 'Nothing was done: its detection only observes (CONTAIN_MODE). approve carries it out after all.'
        : `Nothing was done: ${why(row)}.`
  }
}

/** The subject in the words of a sentence. */
function subjectIn(row: Containment): string {
  const subject = subjectOf(row)
  switch (subject?.kind) {
    case 'session':
      return `session ${subject.sid}`
    case 'user':
      return `account ${subject.userId}`
    case 'network':
      return `network ${subject.network}`
    default:
      return row.scope
  }
}

function doneOf(row: Containment, now: number): string {
  const { action, result, via } = row
  const who = via === 'web' ? 'web' : 'functions, directly in Redis'
  const subject = subjectIn(row)
  switch (action) {
    case 'revoke':
      return result === 'success'
        ? `The ${subject} is revoked, by ${who}. Its owner signs in again.`
        : `The ${subject} was over already, so nothing was left to revoke.`
    case 'revoke_user':
      return result === 'success'
        ? `Every session of ${subject} that was open at the alert is revoked. Its owner signs in again.`
        : `No session of ${subject} was open at the alert, so nothing was left to revoke.`
    case 'block_ip': {
      const left = row.expiresAt === undefined ? 0 : row.expiresAt.getTime() - now
      return `Sign-ins and registrations from ${subject} are blocked${left > 0 ? ` for ${duration(left)} more` : ''}. Live sessions go on.`
    }
    case 'notify':
      return 'A person was notified. This detection changes nothing else.'
  }
}

function undoneOf(row: Containment): string {
  if (row.result === undefined || row.result === 'observed')
    return 'The row is marked as undone. Nothing had been carried out, and nothing will be.'
  const subject = subjectIn(row)
  switch (row.action) {
    case 'revoke':
      return `The row is marked as undone. The ${subject} stays revoked, because its two holders cannot be told apart: its owner signs in again.`
    case 'revoke_user':
      return `The row is marked as undone. The sessions of ${subject} stay revoked: its owner signs in again.`
    case 'block_ip':
      return `The block of ${subject} is lifted. A later alert may block it again.`
    case 'notify':
      return 'The row is marked as undone. Nothing had been changed.'
  }
}

const WHY: Readonly<Record<ContainmentReason, string>> = {
  cap: 'its detection has contained as many subjects as its cap allows (CONTAIN_CAP)',
  policy:
    'this network is private, on this machine, or one of EGRESS_ADDRESSES, and such a network is never blocked, also not by an operator',
  stale: 'its alert is more than 15 minutes away from our clock',
  recovered: 'the alert recovered before it was carried out',
  expired: 'the block would be over by now',
  duplicate: 'another row contains the same alert',
  policy_gone: 'no policy of this release knows its detection',
  policy_changed: 'the policy of its detection has another action or another subject by now',
  subject_gone: 'its subject does not exist',
  unreadable: 'required columns are missing or wrong in the table: a manual edit, a backup or another release wrote it',
}

const why = ({ reason }: Containment): string => (reason === undefined ? 'the row has no reason' : WHY[reason])
