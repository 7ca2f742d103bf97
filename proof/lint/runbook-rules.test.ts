import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMonitors } from 'alertproof'
import { describe, expect, test } from 'vitest'
import { type Runbook, runbookRules } from './runbook-rules.ts'

const root = join(import.meta.dirname, '../..')
const monitors = await loadMonitors(join(root, 'detections'))
const files = (await readdir(join(root, 'runbooks'))).filter((file) => file.endsWith('.md'))
const all = await Promise.all(
  files.map(async (file) => ({ file, text: await readFile(join(root, 'runbooks', file), 'utf8') })),
)

function monitorOf(slug: string) {
  const monitor = monitors.find((each) => each.slug === slug)
  if (!monitor) throw new Error(`there is no ${slug}`)
  return monitor
}

function runbookOf(slug: string): Runbook {
  const runbook = all.find(({ file }) => file.endsWith(`-${slug}.md`))
  if (!runbook) throw new Error(`${slug} has no runbook`)
  return runbook
}

/** What lint says of a runbook, one line each. */
function findingsOf(slug: string, runbook: Runbook, others: readonly Runbook[] = all): string[] {
  const findings: string[] = []
  runbookRules(monitorOf(slug), runbook, others, (place, what, remedy) => {
    expect(remedy).not.toBe('')
    findings.push(`${place}: ${what}`)
  })
  return findings
}

describe('a runbook is refused', () => {
  const { file, text } = runbookOf('credential-stuffing')
  const spots = /^## Blind spots\n[\s\S]*?(?=^## )/m

  test.each<[string, string | RegExp, string, RegExp]>([
    ['for the title of another detection', '# ATO-001 Credential stuffing', '# ATO-001 OTP replay', /^title: /],
    ['for the number of another', '# ATO-001', '# ATO-002', /^title: /],
    [
      'for the monitor of another',
      'detections/credential-stuffing/monitor.json`](',
      'detections/otp-replay/monitor.json`](',
      /^Monitor: /,
    ],
    ['for another priority', 'priority P2', 'priority P1', /^Monitor: /],
    ['for the attack of another', '-- run credential-stuffing`', '-- run otp-replay`', /^Try it: /],
    ['for a technique that it does not name', /\[T1110\.004\]\(.*?\)/, 'a technique', /^ATT&CK: .*T1110\.004/],
    [
      'for a technique under the name of another',
      ') Credential Stuffing.',
      ') Password Spraying.',
      /^ATT&CK: .*T1110\.004/,
    ],
    ['for a tactic that it does not name', 'TA0006', 'TA0001', /^ATT&CK: .*TA0006/],
    ['for another query', '> 10\n```', '> 11\n```', /^```monitor: /],
    ['for a second query', '```monitor', '```monitor\nlogs("")\n```\n\n```monitor', /^```monitor: /],
    ['without blind spots', spots, '', /^Blind spots: is missing/],
    ['for blind spots in prose alone', spots, '## Blind spots\n\nThere are some.\n\n', /^Blind spots: names none/],
    ...(['What it means', 'First five minutes', 'Questions', 'False positives', 'Contain', 'Recover'] as const).map(
      (name): [string, string, string, RegExp] => [
        `without ${name}`,
        `## ${name}\n`,
        '## Something else\n',
        new RegExp(`^${name}: is missing`),
      ],
    ),
    [
      'without the way back',
      '## Undo a wrong containment',
      '## Something else',
      /^Undo a wrong containment: is missing/,
    ],
    ['for fewer than five questions', /^\| (?:[4-9]|\d\d) \|.*\n/gm, '', /^Questions: are [0-4]$/],
    ['for a question without a search', /^(\| 1 \|[^|]*\|)[^|]*\|/m, '$1 the log |', /^question 1: has no search/],
    ['for a question without a window', /^(\| 1 \|[^|]*\|[^|]*\|)[^|]*\|/m, '$1 then |', /^question 1: has no window/],
    ['for a search that no event matches', '`@evt:login ', '`@evt:login @outcome:never @reason:x ', /matches no event/],
    ['for a search that cannot be read', '`@evt:login ', '`(@evt:login ', /is no search/],
    ['for a form that is undocumented', '`@evt:login ', '`_exists_:evt @evt:login ', /does not document/],
    ['for a field of no event', '`@network`', '`@subnet`', /^@subnet: /],
  ])('%s', (_what, from, to, found) => {
    const broken = text.replace(from, to)
    expect(broken).not.toBe(text)
    expect(findingsOf('credential-stuffing', { file, text: broken })).toEqual(
      expect.arrayContaining([expect.stringMatching(found)]),
    )
  })
})

describe('a runbook that is copied', () => {
  /** Of a later number, with its own name, query, technique and attack, and every sentence of its neighbour. */
  function copyOf(neighbour: string, slug: string): Runbook {
    const { file, text } = runbookOf(neighbour)
    const [given, own] = [monitorOf(neighbour), monitorOf(slug)]
    const words = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ')
    return {
      file: `ATO-099-${slug}.md`,
      text: text
        .replaceAll(file.slice(0, 7), 'ATO-099')
        .replaceAll(words(neighbour), words(slug))
        .replaceAll(neighbour, slug)
        .replace(given.query, own.query),
    }
  }

  test.each(['What it means', 'Questions', 'False positives', 'Blind spots'])('is refused for its %s', (section) => {
    const copy = copyOf('containment-tampering', 'containment-failed')
    expect(findingsOf('containment-failed', copy, [...all, copy])).toEqual(
      expect.arrayContaining([expect.stringMatching(`^${section}: .* are those of ATO-013-containment-tampering.md`)]),
    )
  })

  test('is the fault of the copy, not of its neighbour', () => {
    const copy = copyOf('containment-tampering', 'containment-failed')
    expect(findingsOf('containment-tampering', runbookOf('containment-tampering'), [...all, copy])).toEqual([])
  })
})
