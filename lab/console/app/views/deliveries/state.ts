import { signal } from '@preact/signals'
import type { DeliveryAsked, DeliveryView } from '../../../api.ts'
import { announce } from '../../announce.tsx'
import { sendJson } from '../../http.ts'
import { live } from '../../live.ts'
import { messageOf } from '../kit/format.ts'

export const fault = signal<string | undefined>(undefined)
export const open = signal<string | undefined>(undefined)

/** @returns whether the lab took it */
export async function send(asked: DeliveryAsked, said: string): Promise<boolean> {
  fault.value = undefined
  try {
    const answer = await sendJson<{ drop_next?: number } | undefined>('POST', '/lab/deliveries', asked)
    if ('drop_next' in asked) live.dropNext.value = answer?.drop_next ?? asked.drop_next
    announce(said)
    return true
  } catch (error) {
    fault.value = messageOf(error)
    return false
  }
}

/** The last answer, which decides. */
export const answerOf = ({ tries }: DeliveryView): DeliveryView['tries'][number] | undefined => tries.at(-1)

/** The result in the receiver's JSON answer, such as `duplicate`. */
export function verdictOf(delivery: DeliveryView): string {
  try {
    const answer: unknown = JSON.parse(answerOf(delivery)?.answer ?? '')
    if (typeof answer !== 'object' || answer === null) return ''
    const { ignored, state, action, result, detail, title } = answer as Record<string, unknown>
    const said = ignored === undefined ? [action, result ?? state, detail ?? title] : [`ignored: ${ignored}`]
    return said.filter((part) => typeof part === 'string').join(', ')
  } catch {
    return answerOf(delivery)?.answer ?? ''
  }
}
