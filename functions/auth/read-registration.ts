import type { HttpRequest } from '@azure/functions'
import type * as z from 'zod'
import { type Client, deviceOf } from '../../shared/client/client.ts'
import { requestFields } from '../../shared/client/event.ts'
import { ProblemError } from '../../shared/problem.ts'
import type { BlockList } from '../../shared/stores/port.ts'
import { checkShape, directClient } from '../http.ts'
import { type CallDeps, readCall } from './call.ts'
import { reasonOfUnreadable } from './unreadable.ts'

/**
 * Reads a registration, or the confirmation of one. What cannot be read is an event as well.
 */
export async function readRegistration<S extends z.ZodType>(
  request: HttpRequest,
  route: string,
  schema: S,
  deps: CallDeps & { blocks: Pick<BlockList, 'blockedBy'> },
): Promise<{ client: Client; body: z.infer<S> }> {
  let client: Client = directClient(request, deps)
  try {
    const call = await readCall(request, route, deps)
    client = call.client
    return { client, body: checkShape(call.data, schema) }
  } catch (error) {
    if (error instanceof ProblemError && error.code !== 'call-refused') {
      const reason = await reasonOfUnreadable(client, deps)
      deps.emit({ ...requestFields(client, deviceOf(client, deps)), evt: 'register', outcome: 'fail', reason })
    }
    throw error
  }
}
