import { networkOf } from '../../shared/client/address.ts'
import type { Client } from '../../shared/client/client.ts'
import type { BlockList } from '../../shared/stores/port.ts'

/**
 * Why an attempt that could not be read is refused. A blocked network's is always `blocked`: under another reason, one
 * such request every now and then would keep an alert alive while its block runs out. Without an answer of the store the
 * attempt is still one event.
 */
export const reasonOfUnreadable = (
  client: Client,
  { blocks, now }: { blocks: Pick<BlockList, 'blockedBy'>; now: () => number },
): Promise<'blocked' | 'malformed'> =>
  blocks.blockedBy(networkOf(client.ip), now()).then(
    (block) => (block ? 'blocked' : 'malformed'),
    () => 'malformed',
  )
