import type { Registration, Registrations, Users } from '../port.ts'
import { createMemorySpace } from './space.ts'

type Kept = Omit<Registration, 'tokenHash'> & { tries: number }

const unsent = (email: string): string => `unsent:${email.toLowerCase()}`

/** Registrations, in this process only. @param users of the same store, whose `create` must be one step */
export function createMemoryRegistrations(users: Pick<Users, 'create'>, space = createMemorySpace()): Registrations {
  const registrations = space.map<Kept>()
  return {
    async add({ tokenHash, ...registration }) {
      const key = tokenHash ?? unsent(registration.email)
      registrations.set(key, { ...registration, tries: registrations.get(key)?.tries ?? 0 })
    },
    async tryPassword(tokenHash, atMost, now) {
      const found = registrations.get(tokenHash)
      if (!found || found.tries >= atMost || found.expiresAt <= now) return undefined
      registrations.set(tokenHash, { ...found, tries: found.tries + 1 })
      return found.passwordHash
    },
    async releaseTry(tokenHash) {
      const found = registrations.get(tokenHash)
      if (found && found.tries > 0) registrations.set(tokenHash, { ...found, tries: found.tries - 1 })
    },
    async confirm(tokenHash, proof, id, now) {
      const found = registrations.get(tokenHash)
      if (!found || found.expiresAt <= now) return undefined
      const proved =
        'registrationHash' in proof
          ? proof.registrationHash === found.registrationHash
          : proof.passwordHash === found.passwordHash
      if (!proved) return undefined
      const { email, passwordHash } = found
      for (const [key, other] of registrations) {
        if (other.email.toLowerCase() === email.toLowerCase()) registrations.delete(key)
      }
      return (await users.create({ id, email, passwordHash }, now)) === 'created' ? { id, email } : undefined
    },
    async purge(now, atMost) {
      const over = [...registrations].filter(([, { expiresAt }]) => expiresAt <= now).slice(0, atMost)
      for (const [key] of over) registrations.delete(key)
      return over.length
    },
  }
}
