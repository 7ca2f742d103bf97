import type { Context, Insider } from './attack.ts'
import { RequestFailed } from './clients/request-failed.ts'

/** @throws RequestFailed outside a lab */
export function insiderOf({ insider }: Context): Insider {
  if (insider) return insider
  throw new RequestFailed(
    'this command can stop the log forwarding of a lab only. For a deployment, stop it by hand (runbooks/ATO-015-telemetry-silence.md)',
  )
}
