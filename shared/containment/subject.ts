import * as z from 'zod'
import { baseOfNetwork } from '../client/address.ts'
import { DetectionSlug, Hash, Sid, Via } from '../event.ts'

/** The subject of an alert. `service`: the monitor has no groups. */
export type Subject =
  | { kind: 'session'; sid: string }
  | { kind: 'network'; network: string }
  | { kind: 'user'; userId: string }
  | { kind: 'login'; loginHash: string }
  | { kind: 'host'; via: 'web' | 'api' }
  | { kind: 'detection'; detection: string }
  | { kind: 'service' }

const parsed = <T>(schema: z.ZodType<T>, value: string): T | undefined => schema.safeParse(value).data

/** Each facet that an alert may be grouped by, and the only accepted form of its value. */
const FACETS = {
  '@sid': (value: string): Subject | undefined => {
    const sid = parsed(Sid, value)
    return sid === undefined ? undefined : { kind: 'session', sid }
  },
  '@network': (value: string): Subject | undefined =>
    baseOfNetwork(value) === undefined ? undefined : { kind: 'network', network: value },
  '@usr.id': (value: string): Subject | undefined => {
    const userId = parsed(z.uuid(), value)
    return userId === undefined ? undefined : { kind: 'user', userId }
  },
  '@login_hash': (value: string): Subject | undefined => {
    const loginHash = parsed(Hash, value)
    return loginHash === undefined ? undefined : { kind: 'login', loginHash }
  },
  '@via': (value: string): Subject | undefined => {
    const via = parsed(Via, value)
    return via === undefined ? undefined : { kind: 'host', via }
  },
  '@detection': (value: string): Subject | undefined => {
    const detection = parsed(DetectionSlug, value)
    return detection === undefined ? undefined : { kind: 'detection', detection }
  },
} as const

export type Facet = keyof typeof FACETS

/**
 * The scopes of a monitor without groups. A receiver must accept each: the documentation does not say which one is
 * sent.
 */
const UNGROUPED = ['', '*', 'total']

/**
 * Reads `@key:value`. The key must be the facet of the group-by. A monitor without groups has no key.
 * @returns undefined for a scope of any other form
 */
export function readScope(scope: string, groupBy: readonly [] | readonly [Facet]): Subject | undefined {
  const [facet] = groupBy
  if (facet === undefined) return UNGROUPED.includes(scope.trim()) ? { kind: 'service' } : undefined
  // A value contains no comma, so a comma begins a second entry.
  const [, key, value] = /^\s*([^:\s,]+):([^\s,]+)\s*$/.exec(scope) ?? []
  return key === facet && value !== undefined ? FACETS[facet](value) : undefined
}

/** Writes a subject in one spelling, which {@link readScope} reads back. */
export function scopeOf(subject: Subject): string {
  switch (subject.kind) {
    case 'session':
      return `@sid:${subject.sid}`
    case 'network':
      return `@network:${subject.network}`
    case 'user':
      return `@usr.id:${subject.userId}`
    case 'login':
      return `@login_hash:${subject.loginHash}`
    case 'host':
      return `@via:${subject.via}`
    case 'detection':
      return `@detection:${subject.detection}`
    case 'service':
      return '*'
  }
}
