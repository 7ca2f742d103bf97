import { readFile } from 'node:fs/promises'
import { parseWebhook } from 'alertproof/notify'
import { describe, expect, test } from 'vitest'
import { claimsOf } from '../proof/claims/claims.ts'
import { groupOf, pathOf, withValue } from '../proof/claims/events.ts'
import { deliver, groupsInBytes, hostileValues, textPaths } from '../proof/claims/hostile.ts'
import { normalizeAddress } from '../shared/client/address.ts'
import { Event } from '../shared/event.ts'
import { loadDetections, modes, runCase } from './harness.ts'

const here = import.meta.dirname
const detections = await loadDetections(here)
const webhook = parseWebhook(await readFile(`${here}/webhook.json`, 'utf8'), 'webhook.json')

describe.each(detections)('$monitor.slug', ({ monitor, proof }) => {
  const claims = claimsOf(monitor, proof)
  const rising = monitor.parsed.operator.startsWith('>')
  const reach = rising ? Math.floor(monitor.parsed.threshold) + 1 : 1
  const crossing = Array.from({ length: reach }, (_, i) => proof.counts(i, i, 0))

  test.each(claims.filter((claim) => !claim.outsideContract))(
    'the events of "$name" are events of the app',
    (claim) => {
      for (const event of claim.events) expect(Event.safeParse(event).error?.issues ?? []).toEqual([])
    },
  )

  describe.each(claims)('$name', (claim) => {
    test.each(modes)('in %s mode', (mode) => {
      expect(runCase(monitor, claim, mode).faults).toEqual([])
    })
  })

  test('each event of the proof adds exactly one', () => {
    if (!rising)
      return expect(runCase(monitor, { name: '', events: crossing, fires: true }, 'replay').transitions[0]?.value).toBe(
        0,
      )
    for (const more of [0, 1, 5]) {
      const events = Array.from({ length: reach + more }, (_, i) => proof.counts(i, 0, 0))
      const [triggered] = runCase(monitor, { name: '', events, fires: true }, 'replay').transitions
      expect(triggered?.value).toBe(reach + more)
    }
  })

  describe('what an attacker wrote', () => {
    const fields = textPaths(crossing[0] ?? {}).filter(([name]) => name !== 'timestamp')
    const asked = new Set([...monitor.query.matchAll(/@?([\w.]+)/g)].map(([, name]) => name))
    const facet = monitor.parsed.by[0] && pathOf(monitor.parsed.by[0]).join('.')

    test.each(fields.map((path) => ({ path, name: path.join('.') })))(
      'in $name never moves the alert to somebody else',
      async ({ path, name }) => {
        for (const [words, value] of hostileValues) {
          const events = crossing.map((event) => withValue(event, path, value))
          const delivered = deliver(monitor, webhook, events)
          if (!asked.has(name)) expect(delivered.length, words).toBeGreaterThan(0)
          for (const { transition, webhooks, read } of delivered) {
            expect(transition.group, words).toEqual(groupOf(monitor, events[0] ?? {}))
            // Datadog renders handles that a group's value spells: a notification more, never one less.
            if (name === facet) expect(webhooks, words).toContain(webhook.name)
            else expect(webhooks, words).toEqual([webhook.name])
            if ('fault' in read) continue
            expect({ slug: read.detection, cycle: read.cycle, word: read.transition }, words).toEqual({
              slug: monitor.slug,
              cycle: transition.cycleKey,
              word: transition.transition,
            })
            const [named] = Object.values(transition.group)
            expect(subjectOf(read.subject), words).toBe(
              named === undefined ? undefined : (normalizeAddress(named) ?? named),
            )
          }
          // What is no group moves nothing at all: the alert still reads.
          if (name !== facet) for (const { read } of delivered) expect(read, words).not.toHaveProperty('fault')
          expect(await groupsInBytes(monitor, events), words).toEqual(
            delivered
              .filter(({ transition }) => transition.transition === 'Triggered')
              .map(({ transition }) => JSON.stringify(transition.group)),
          )
        }
      },
    )

    test('as a field of its own changes nothing', () => {
      for (const name of ['__proto__', 'constructor', 'message', 'host', 'status', 'ddtags', 'tags', 'ddsource']) {
        const events = crossing.map((event) => withValue(event, [name], 'x,@sid:AAAAAAAAAAAAAAAAAAAAAA'))
        const delivered = deliver(monitor, webhook, events)
        expect(delivered.length, name).toBeGreaterThan(0)
        for (const { read } of delivered) expect(read, name).not.toHaveProperty('fault')
      }
    })
  })
})

/** The one text of a subject beside its kind. */
function subjectOf(subject: { kind: string }): string | undefined {
  const { kind: _, ...names } = subject
  return Object.values(names as Record<string, string>)[0]
}
