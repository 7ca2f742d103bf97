import { effect, signal } from '@preact/signals'
import type { ContainmentAsked, ContainmentView } from '../../../api.ts'
import { announce } from '../../announce.tsx'
import { getJson, sendJson } from '../../http.ts'
import { live } from '../../live.ts'
import { route } from '../../route.ts'
import { isAbort, messageOf } from '../kit/format.ts'
import type { Filter } from './words.ts'

export const containments = signal<readonly ContainmentView[] | undefined>(undefined)
export const fault = signal<string | undefined>(undefined)
export const filter = signal<Filter>('all')
export const open = signal<string | undefined>(undefined)

let running: AbortController | undefined

/** Reads the ledger while the view is on the page. @returns the end of it */
export function watchContainments(): () => void {
  const unfollow = effect(() => {
    const { name, query } = route.value
    if (name === 'containments' && query.id) open.value = query.id
  })
  const unread = effect(() => {
    void live.containmentsChanged.value
    void read()
  })
  return () => {
    unfollow()
    unread()
    running?.abort()
  }
}

async function read(): Promise<void> {
  running?.abort()
  const own = new AbortController()
  running = own
  try {
    containments.value = (
      await getJson<{ containments: ContainmentView[] }>('/lab/containments', own.signal)
    ).containments
    fault.value = undefined
  } catch (error) {
    if (!isAbort(error)) fault.value = messageOf(error)
  }
}

/** @returns what the lab says of it. @throws when it is refused */
export async function decide(asked: ContainmentAsked): Promise<string> {
  const { message } = await sendJson<{ state: string; message: string }>('POST', '/lab/containments', asked)
  announce(message)
  await read()
  return message
}
