import type { ContainmentView } from '../../../api.ts'

/** What each action does to its subject: once it is done, and while it is not. */
const ACTIONS: Readonly<Record<string, readonly [done: string, infinitive: string]>> = {
  revoke: ['ended the session', 'end the session'],
  revoke_user: ['ended all sessions of the user', 'end all sessions of the user'],
  block_ip: ['blocked the network', 'block the network'],
  step_up: ['asked for a second factor in', 'ask for a second factor in'],
  notify: ['told a person about', 'tell a person about'],
}

/** What a containment did, waits to do or would have done, as a phrase before its subject. */
export function deed({ action, mode, state, result, reason }: ContainmentView): string {
  const [done, infinitive] = ACTIONS[action] ?? [`did ${action} on`, `do ${action} on`]
  if (mode === 'observe') return `would have ${done}`
  if (state === 'closed' && reason === 'duplicate') return 'left to another row'
  if (state === 'closed' && result === null) return `did not have to ${infinitive}`
  if (state === 'held') return `waits to ${infinitive}`
  if (state === 'failed') return `could not ${infinitive}`
  return state === 'pending' ? `is to ${infinitive}` : done
}

/** Whether the detection acts on nothing by itself. */
export const isObserved = ({ mode, action }: ContainmentView): boolean => mode === 'observe' || action === 'notify'

/** What the state means for the person who reads it. */
export function meaning({ action, mode, state, result, reason }: ContainmentView): string {
  if (mode === 'observe') return 'This detection only observes: nothing was done. Approve it to carry it out after all.'
  if (action === 'notify' && state === 'done')
    return 'This detection tells a person and ends nothing: the subject may be a victim.'
  if (state === 'done' && result === 'noop') return 'There was nothing left to do: the subject was contained already.'
  return [STATES[state], reason === null ? undefined : REASONS[reason]].filter(Boolean).join(' ')
}

const STATES: Readonly<Record<string, string>> = {
  pending: 'It is under way, and continues by itself.',
  held: 'It waits for a person.',
  failed: 'It cannot be carried out.',
  done: 'It is in effect.',
  undone: 'A person took it back.',
  closed: 'It is over.',
}

/** Why a containment was held, failed or closed. */
const REASONS: Readonly<Record<string, string>> = {
  cap: 'More subjects than the cap allows were to be contained within ten minutes.',
  policy: 'Policy never contains such a subject, such as a private address.',
  stale: 'The alert was too old when it arrived, or dated ahead: it may be a replay.',
  recovered: 'The alert recovered before it was carried out.',
  expired: 'The effect ended by itself, at its time.',
  duplicate: 'Another row handles the same alert.',
  policy_gone: 'No policy names this detection any more.',
  policy_changed: 'The policy of this detection asks for another action now.',
  subject_gone: 'The subject does not exist any more.',
  unreadable: 'The row lacks data: it was edited by hand, or another release wrote it.',
}

export type Filter = 'all' | 'waiting' | 'observed'

export const isWaiting = ({ state, can }: ContainmentView): boolean =>
  state === 'held' || (state === 'failed' && can.includes('retry'))

export const FILTERS: readonly { value: Filter; text: string; takes: (row: ContainmentView) => boolean }[] = [
  { value: 'all', text: 'All', takes: () => true },
  { value: 'waiting', text: 'To decide', takes: isWaiting },
  { value: 'observed', text: 'Only observed', takes: isObserved },
]

export function toneOf(row: ContainmentView): 'good' | 'danger' | 'warning' | 'info' | 'quiet' {
  if (row.mode === 'observe' || (row.action === 'notify' && row.state === 'done')) return 'info'
  if (row.state === 'done') return 'good'
  if (row.state === 'failed') return 'danger'
  return row.state === 'held' || row.state === 'pending' ? 'warning' : 'quiet'
}

/** The actions of an operator, as the page names them. */
export const DECISIONS = {
  approve: { text: 'Approve', what: 'Carries it out now, whatever its age and the cap.' },
  retry: { text: 'Retry', what: 'Tries to carry it out again.' },
  undo: {
    text: 'Undo',
    what: 'Lifts a block at once. An ended session stays ended: its owner signs in again.',
  },
} as const
