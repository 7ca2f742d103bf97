import { LOGIN_MAX } from '../../shared/auth/mail-address.ts'
import type { Client } from '../../shared/client/client.ts'
import { type ClientDeps, deviceOf } from '../../shared/client/client.ts'
import { loginHash } from '../../shared/client/device.ts'
import { EMAIL_PATTERN } from '../../shared/event.ts'

/** A submitted login. It has an `email` only if it has the form of an address. */
export interface SubmittedLogin {
  email: string | undefined
  loginHash: string
  /** The parts of it that an event may contain. */
  fields: { email?: string; login_hash: string; rum_session_id?: string }
  deviceHash: string
}

export function readLogin(typed: string, client: Client, deps: ClientDeps): SubmittedLogin {
  const normal = typed.trim().toLowerCase()
  const email = normal.length <= LOGIN_MAX && EMAIL_PATTERN.test(normal) ? normal : undefined
  const hash = loginHash(normal.slice(0, 1024), deps.deviceKeys[0])
  return {
    email,
    loginHash: hash,
    fields: {
      ...(email !== undefined && { email }),
      login_hash: hash,
      ...(client.rumSessionId !== undefined && { rum_session_id: client.rumSessionId }),
    },
    deviceHash: deviceOf(client, deps),
  }
}
