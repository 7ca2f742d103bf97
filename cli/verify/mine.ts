import * as z from 'zod'
import type { Mine } from '../../attacks/kit/attack.ts'
import type { RunFile } from '../../lab/start/run-file.ts'
import { loadSecrets } from '../../lab/start/secrets.ts'

const Copy = z.object({ sid: z.string(), secret: z.string(), userAgent: z.string() })

/** Nothing is there to rob: no browser on this machine has a session in the lab, or not the one that was named, or it ended. */
export class NobodySignedIn extends Error {
  override readonly name = 'NobodySignedIn'

  constructor(sid: string | undefined, web: string, hasEnded: boolean) {
    super(
      hasEnded
        ? `${sid === undefined ? 'Your session' : `The session ${sid}`} has ended. Sign in again at ${web}/login, keep the page open, and try again.`
        : sid === undefined
          ? `Nobody is signed in at ${web}. Open ${web}/register in a browser, sign in, keep the page open, and try again.`
          : `No browser has used the session ${sid} since the lab started. Open ${web}/dashboard: the page shows the session.`,
    )
  }
}

/**
 * Copies the session of the person who uses this machine's browser.
 * @param dir the directory of the lab
 * @param sid of the session; without it, the one that was used last
 * @throws NobodySignedIn
 */
export async function copyMine(
  dir: string,
  { urls }: Pick<RunFile, 'urls'>,
  sid: string | undefined,
  signal: AbortSignal,
): Promise<Mine> {
  const { DD_API_KEY } = await loadSecrets(dir)
  const response = await fetch(`${urls.datadog}/lab/copies`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'dd-api-key': DD_API_KEY },
    body: JSON.stringify(sid === undefined ? {} : { sid }),
    signal,
  })
  if (response.status === 404 || response.status === 410)
    throw new NobodySignedIn(sid, urls.web, response.status === 410)
  if (!response.ok) throw new Error(`the lab answered ${response.status} to /lab/copies`)
  return Copy.parse(await response.json())
}
