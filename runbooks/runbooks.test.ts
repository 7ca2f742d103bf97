import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileSearch, loadMonitors, parseSearch } from 'alertproof'
import { describe, expect, test } from 'vitest'
import { canMatch } from '../proof/lint/reach.ts'
import { EVENTS, eventFields } from '../shared/event.ts'

const here = import.meta.dirname
const monitors = await loadMonitors(join(here, '../detections'))
const files = (await readdir(here)).filter((name) => name.endsWith('.md')).sort()
const runbooks = await Promise.all(
  files.map(async (file) => ({ file, text: await readFile(join(here, file), 'utf8'), monitor: monitorOf(file) })),
)

/** `ATO-001-credential-stuffing.md` is the page of the monitor in `credential-stuffing/`, tagged `runbook:ATO-001`. */
function monitorOf(file: string) {
  const [, id, slug] = /^(ATO-\d{3})-([a-z0-9-]+)\.md$/.exec(file) ?? []
  return monitors.find((monitor) => monitor.slug === slug && monitor.tags.includes(`runbook:${id}`))
}

const fenced = (text: string, language: string) =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , body]) => body ?? '')
const codeIn = (text: string) =>
  [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '')
/** Whatever names the value of a field is a search: an analyst pastes it. */
const searchesIn = (text: string) => codeIn(text).filter((code) => /@[\w.]+:|CIDR\(/.test(code))
const headingsOf = (text: string) => [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading ?? '')
const section = (text: string, heading: string) => text.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''

test('every detection has one runbook, and every runbook its detection', () => {
  expect(runbooks.filter(({ monitor }) => !monitor).map(({ file }) => file)).toEqual([])
  expect(runbooks.map(({ monitor }) => monitor?.slug).sort()).toEqual(monitors.map(({ slug }) => slug).sort())
})

describe.each(runbooks)('$file', ({ text, monitor }) => {
  test('it says what to do, from what it means to undoing what was wrong', () => {
    const headings = headingsOf(text).join('\n')
    for (const part of [/what it means/i, /questions/i, /false positives/i, /contain/i, /recover/i, /^undo/im]) {
      expect(headings).toMatch(part)
    }
    expect(headings).toMatch(/blind spots/i)
  })

  test('it is written for its own monitor: the very query, and the techniques of its tags', () => {
    expect(fenced(text, 'monitor').map((query) => query.trim())).toEqual([monitor?.query])
    for (const tag of monitor?.tags.filter((each) => each.startsWith('technique:')) ?? []) {
      expect(text).toContain(tag.slice('technique:'.length))
    }
  })

  test('every question has a search and a window', () => {
    const [, , ...rows] = section(text, 'Questions').match(/^\|.*\|$/gm) ?? []
    expect(rows.length).toBeGreaterThan(4)
    for (const row of rows) {
      expect(searchesIn(row), row).not.toEqual([])
      expect(row).toMatch(/\d+ ?(d|h|min)\b|sign-in on|alert on|to now/)
    }
  })

  test.each([...new Set(searchesIn(text))])('`%s` is a search that some event of the app can match', (search) => {
    expect(() => compileSearch(search)).not.toThrow()
    const { node, undocumented } = parseSearch(search)
    expect(undocumented).toEqual([])
    expect(Object.entries(EVENTS).filter(([, schema]) => canMatch(node, schema)).length, search).toBeGreaterThan(0)
  })

  test('every field that it names is one that the app logs', () => {
    const names = codeIn(text).flatMap((code) =>
      [...code.matchAll(/(?<![\w/])@([a-z][\w.]*)/g)].map(([, name]) => name ?? ''),
    )
    expect(names.length).toBeGreaterThan(5)
    expect(names.filter((name) => !eventFields.has(name))).toEqual([])
  })

  test('its links lead to files that are there', async () => {
    const links = [...text.matchAll(/\]\((?!https:)([^)#]+)/g)].map(([, link]) => link ?? '')
    for (const link of links) await expect(readFile(join(here, link), 'utf8'), link).resolves.toBeTruthy()
  })
})
