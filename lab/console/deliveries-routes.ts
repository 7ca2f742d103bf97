import * as z from 'zod'
import type { Routes } from '../datadog/http.ts'
import { sendError, sendJson } from '../datadog/http.ts'
import { changing } from './changing.ts'
import { type DeliveryBook, MAX_DROPS, NotAgain } from './delivery-book.ts'

/** More than any payload of ours; a person may edit it. */
const MAX_PAYLOAD = 64 * 1024

const Asked = z.union([
  z.strictObject({ drop_next: z.number().int().min(0).max(MAX_DROPS) }),
  z.strictObject({
    id: z.number().int().min(1),
    payload: z.string().max(MAX_PAYLOAD).optional(),
    times: z.number().int().min(1).max(10).optional(),
    delay_seconds: z.number().min(0).max(600).optional(),
  }),
])

/** `GET` and `POST /lab/deliveries`; what is asked has the form of `DeliveryAsked`. */
export const deliveriesRoutes = (deliveries: DeliveryBook): Routes => ({
  'GET /lab/deliveries': (_request, response) =>
    sendJson(response, 200, { deliveries: deliveries.list(), drop_next: deliveries.drops }),
  'POST /lab/deliveries': changing(Asked, (asked, response) => {
    if ('drop_next' in asked) {
      deliveries.dropNext(asked.drop_next)
      return sendJson(response, 202, { ids: [], drop_next: deliveries.drops })
    }
    const { id, payload, times = 1, delay_seconds = 0 } = asked
    try {
      const ids = deliveries.again(id, { payload, times, delayMs: delay_seconds * 1000 })
      sendJson(response, 202, { ids, drop_next: deliveries.drops })
    } catch (error) {
      if (!(error instanceof NotAgain)) throw error
      sendError(response, error.status, error.message)
    }
  }),
})
