import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attacks } from '../../attacks/index.ts'
import { documentRules } from './document-rules.ts'

const PROJECT = join(import.meta.dirname, '../..')

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ato documents '))
  await cp(join(PROJECT, 'detections'), join(root, 'detections'), {
    recursive: true,
    filter: (path) => !/\.[a-z]+$/.test(path) || path.endsWith('monitor.json'),
  })
  await mkdir(join(root, 'docs'))
  for (const name of ['containment.md', 'proving-detections.md']) {
    await cp(join(PROJECT, 'docs', name), join(root, 'docs', name))
  }
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function findings(): Promise<string[]> {
  const found: string[] = []
  await documentRules(root, (file) => (place, what, remedy) => {
    found.push(`${basename(file)}, ${place}: ${what}; ${remedy}`)
  })
  return found
}

async function edit(name: string, from: string | RegExp, to: string): Promise<void> {
  const file = join(root, name)
  const before = await readFile(file, 'utf8')
  const after = before.replace(from, to)
  expect(after).not.toBe(before)
  await writeFile(file, after)
}

test('the documents of the project name every detection', async () => {
  expect(await findings()).toEqual([])
})

test('a new detection is missing in each list, and each finding names the document and the row', async () => {
  await cp(join(root, 'detections/otp-replay'), join(root, 'detections/brand-new'), { recursive: true })
  await edit('detections/brand-new/monitor.json', 'detection:otp-replay', 'detection:brand-new')
  expect(await findings()).toEqual([
    'proving-detections.md, "| Detection | Window |": lacks brand-new; add it to a row of 10 min',
    'proving-detections.md, output of npm run corpus: lacks brand-new; run the command above it, and paste what it prints',
  ])
})

test('a detection without its action, and one in the row of another action, are findings', async () => {
  await edit('docs/containment.md', '`canary-account`, ', '')
  await edit('docs/containment.md', '`session-fork`, ', '')
  await edit('docs/containment.md', '`otp-replay`', '`otp-replay`, `session-fork`')
  expect(await findings()).toEqual([
    'containment.md, "| action | of | detections |": lacks canary-account; add it to a row of block_ip',
    'containment.md, "| action | of | detections |": has session-fork in a row of revoke_user; move it to a row of revoke',
  ])
})

test('an unknown detection, and a window other than the monitor’s, are findings', async () => {
  await edit('docs/containment.md', '`otp-replay`', '`otp-replay`, `sms-replay`')
  await edit('docs/proving-detections.md', '| session-reuse | 2 h |', '| session-reuse | 1 h |')
  expect(await findings()).toEqual([
    'containment.md, "| action | of | detections |": has sms-replay, which is not a detection; remove it, or correct its name',
    'proving-detections.md, "| Detection | Window |": has session-reuse in a row of 1 h; move it to a row of 2 h',
  ])
})

test('a missing table is a finding', async () => {
  await edit('docs/containment.md', '| action | of |', '| deed | of |')
  expect(await findings()).toEqual([
    'containment.md, : has no table "| action | of | detections |"; restore it, or remove its rule from proof/lint/document-rules.ts',
  ])
})

test('a wrong count is a finding, in digits and in words; a right one, a part and an old output are not', async () => {
  const page = `All Sixteen\ndetections, 99 runbooks and twenty-one attacks. Two detections block.
There are ${attacks.length} attacks.

\`\`\`console
144 mutants of 12 detections
\`\`\`
`
  await writeFile(join(root, 'README.md'), page)
  const { length } = await readdir(join(PROJECT, 'runbooks'))
  expect(await findings()).toEqual([
    `README.md, "Sixteen detections": is wrong: there are ${length}; correct the number, or leave it out`,
    `README.md, "99 runbooks": is wrong: there are ${length}; correct the number, or leave it out`,
    `README.md, "twenty-one attacks": is wrong: there are ${attacks.length}; correct the number, or leave it out`,
  ])
})
