import type { HttpRequest } from '@azure/functions'
import type * as z from 'zod'
import { networkOf } from '../../shared/client/address.ts'
import { actorOf, type Client } from '../../shared/client/client.ts'
import { actorFields } from '../../shared/client/event.ts'
import { ProblemError } from '../../shared/problem.ts'
import type { BlockList } from '../../shared/stores/port.ts'
import { checkShape, directClient } from '../http.ts'
import { type CallDeps, readCall } from './call.ts'

export interface AttemptDeps extends CallDeps {
  blocks: Pick<BlockList, 'blockedBy'>
}

/**
 * Reads an attempt to sign in, to register, or to confirm a registration. An attempt that cannot be read is an event
 * of the same kind: prevention must not blind detection.
 * @throws ProblemError as `readCall` and `checkShape` do; a refused signed call has its own event
 */
export async function readAttempt<S extends z.ZodType>(
  request: HttpRequest,
  route: string,
  evt: 'login' | 'register',
  schema: S,
  deps: AttemptDeps,
): Promise<{ client: Client; body: z.infer<S> }> {
  let client: Client = directClient(request, deps)
  try {
    const call = await readCall(request, route, deps)
    client = call.client
    return { client, body: checkShape(call.data, schema) }
  } catch (error) {
    if (error instanceof ProblemError && error.code !== 'call-refused') {
      const reason = await reasonOfUnreadable(client, deps)
      deps.emit({ ...actorFields(actorOf(client, deps)), evt, outcome: 'fail', reason })
    }
    throw error
  }
}

/**
 * An attempt from a blocked network is always `blocked`: under another reason, an occasional unreadable request would
 * keep an alert active while the block runs out. If the store does not answer, the attempt is still one event.
 */
const reasonOfUnreadable = (client: Client, { blocks, now }: AttemptDeps): Promise<'blocked' | 'malformed'> =>
  blocks.blockedBy(networkOf(client.ip), now()).then(
    (block) => (block ? 'blocked' : 'malformed'),
    () => 'malformed',
  )
