import type { Context, Insider } from './attack.ts'
import { RequestFailed } from './clients/request-failed.ts'

/** @throws RequestFailed where the target is no lab */
export function insiderOf({ insider }: Context): Insider {
  if (insider) return insider
  throw new RequestFailed(
    'only a lab lets its log forwarding be turned off from here; of a deployment, turn it off by hand (runbooks/ATO-015-telemetry-silence.md)',
  )
}
