import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseWebhook } from 'alertproof/notify'
import { loadRules } from 'alertproof/siem'
import { describe, expect, test } from 'vitest'
import { claimsOf } from '../proof/claims/claims.ts'
import { deliverSignals } from '../proof/claims/signals.ts'
import { survived } from '../proof/mutants/mutation.ts'
import { mutateRule } from '../proof/mutants/rule-mutants.ts'
import { DETECTIONS, detectionOfRule, hasRule } from '../shared/containment/policy.ts'
import { loadDetections } from './harness.ts'
import { ruleFaults } from './siem-harness.ts'

const detections = await loadDetections(import.meta.dirname)
const rules = await loadRules(import.meta.dirname)
const WEBHOOK = join(import.meta.dirname, 'siem-webhook.json')
const webhook = parseWebhook(await readFile(WEBHOOK, 'utf8'), WEBHOOK)

test('the two detections of the beginning are rules of Cloud SIEM as well', () => {
  expect(rules.map(({ slug }) => slug)).toEqual(['credential-stuffing', 'session-reuse'])
})

test('functions know each rule by its name', () => {
  for (const { name, slug } of rules) {
    expect(detectionOfRule(name)).toBe(slug)
    expect(hasRule(slug)).toBe(true)
  }
  expect(DETECTIONS.filter(hasRule)).toEqual(rules.map(({ slug }) => slug))
})

describe.each(rules)('the rule of $slug', (rule) => {
  const detection = detections.find(({ monitor }) => monitor.slug === rule.slug)
  if (!detection) throw new Error(`${rule.slug} has no monitor`)
  const claims = [...detection.cases, ...claimsOf(detection.monitor, detection.proof)]

  test.each(claims)('$name', (claim) => {
    expect(ruleFaults(rule, claim)).toEqual([])
  })

  test('what it sends is read by functions, with its subject and its time', () => {
    const delivered = claims.flatMap((claim) => deliverSignals(rule, webhook, claim))
    expect(delivered.length).toBeGreaterThan(5)
    for (const { change, webhooks, read } of delivered) {
      const [[field, value] = []] = Object.entries(change.group)
      const scope = `${field}:${value}`
      const about = { detection: rule.slug, transition: 'Triggered', scope, date: new Date(change.at) }
      expect(read).toMatchObject({ ...about, cycle: `signal-${change.signalId}` })
      expect(webhooks).toEqual([webhook.name])
    }
  })

  test('every slip in it is noticed by a case', () => {
    const verdicts = mutateRule(rule, detection)
    expect(verdicts.length).toBeGreaterThan(30)
    expect(verdicts.filter(survived).map(({ mutant }) => mutant)).toEqual([])
  })
})
