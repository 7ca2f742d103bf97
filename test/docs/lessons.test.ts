import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Command, runCaptured, verbs } from 'alertproof/cli'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshAddresses } from '../../attacks/kit/addresses.ts'
import { castPerson } from '../../attacks/kit/cast.ts'
import { chromeOnWindows } from '../../attacks/kit/clients/devices.ts'
import { openMailbox } from '../../attacks/kit/clients/mailbox.ts'
import { createContext } from '../../attacks/kit/context.ts'
import { createRandom } from '../../attacks/kit/random.ts'
import { openSession } from '../../attacks/kit/sessions.ts'
import { newsLine } from '../../cli/news.ts'
import { type LabHandle, startLab } from '../../lab/start/lab.ts'
import { removeLab } from '../../lab/stores/remove.ts'
import { commandsIn, loadPages, ROOT } from './pages.ts'
import { isIn, type Step, stepsOf } from './steps.ts'

/** A class does every lesson from top to bottom, in one lab with a copy of the detections. */

const lessons = (await loadPages()).filter(({ path }) => /^docs\/lessons\/\d/.test(path))

let folder: string
let lab: LabHandle
/** What commands and the lab have printed since the last step that does something. */
let seen = ''
let changed = () => {}
const show = (text: string) => {
  seen += `${text.replaceAll(`${folder}/`, '')}\n`
  changed()
}
const at = (path: string) => join(folder, path)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ato lessons '))
  await restore('detections')
  lab = await startLab({
    ...{ dir: at('.lab'), detections: at('detections'), followDetections: true, log: show },
    ports: { web: 0, functions: 0, datadog: 0 },
  })
  lab.datadog.subscribe((event) => show(newsLine(event, Date.now(), { color: false })))
})
afterAll(async () => {
  await lab?.stop()
  await removeLab(at('.lab'))
  await rm(folder, { recursive: true, force: true })
})

const restore = (path: string) => cp(join(ROOT, path), at(path), { recursive: true })

test.each(lessons)('$path: whoever does what it says sees what it shows', { timeout: 240_000 }, async (page) => {
  expect(page.text.trimEnd().split('\n').length, 'lines').toBeLessThanOrEqual(120)
  const steps = stepsOf(page)
  expect(steps.length).toBeGreaterThan(5)
  for (const [i, step] of steps.entries()) {
    if (step.kind === 'see') await see(step.lines)
    else {
      if (steps[i - 1]?.kind === 'see') seen = ''
      await act(step)
    }
  }
})

async function act(step: Exclude<Step, { kind: 'see' }>): Promise<void> {
  if (step.kind === 'type') {
    for (const words of commandsIn(step.command)) await type(words)
    return
  }
  const path = at(step.path)
  await mkdir(dirname(path), { recursive: true })
  if (step.kind === 'write') return writeFile(path, step.text)
  let text = await readFile(path, 'utf8')
  for (const { from, to } of step.hunks) {
    expect(text.split(from), `${step.path} has once: ${from}`).toHaveLength(2)
    text = text.replace(from, () => to)
  }
  await changing(step.path, () => writeFile(path, text))
}

/** The lab reads an edited detection anew, which takes a moment. */
async function changing(path: string, change: () => Promise<unknown>): Promise<void> {
  const before = seen.length
  await change()
  if (path.startsWith('detections/'))
    expect(await until(() => /was read anew|refused/.test(seen.slice(before)))).toBe(true)
}

async function type(words: readonly string[]): Promise<void> {
  const [program, verb, ...rest] = words
  if (program === 'mkdir') await mkdir(at(words.at(-1) ?? ''), { recursive: true })
  else if (program === 'git') await changing(`${rest[0]}/`, () => restore(rest[0] ?? ''))
  // It runs already.
  else if (words.join(' ') === 'npm start') return
  else {
    expect([program, verb]).toEqual(['npm', 'run'])
    const [script = '', ...given] = rest.filter((word) => word !== '--')
    if (given.includes('--mine')) await openDashboard()
    const argv = given.map((word) => (/^(\.lab|detections)\//.test(word) ? at(word) : word))
    const { out, err } = await runCaptured(await commandOf(script, argv), argv)
    show(`${out}${err}`)
  }
}

/** The command of an npm script. That of the package is the first of the arguments, which is taken out. */
async function commandOf(script: string, argv: string[]): Promise<Command> {
  const verb = Object.entries(verbs).find(([name]) => script === 'alertproof' && name === argv[0])
  if (verb) {
    argv.shift()
    return (await verb[1]()).command
  }
  if (script === 'attack' || script === 'contain') argv.push('--dir', at('.lab'))
  return ((await import(`../../cli/verbs/${script}.ts`)) as { command: Command }).command
}

/** A person registers, signs in with the browser of this machine, and stays on the dashboard. */
async function openDashboard(): Promise<void> {
  const { web, datadog } = lab.urls
  const { signal } = new AbortController()
  const context = createContext({
    ...{ target: { kind: 'web', baseUrl: web }, runId: 'lesson', seed: 1, tell: () => {}, signal },
    addresses: freshAddresses(async () => false),
    mailbox: openMailbox(datadog, signal),
  })
  const device = chromeOnWindows()
  const browser = context.client({ device, address: await context.addresses.ordinary() })
  const person = castPerson(createRandom(1))
  await browser.register(person)
  const { secret } = await openSession(browser, person)
  const headers = { cookie: `session=${secret}`, 'user-agent': device.userAgent, ...device.hints }
  const answer = await fetch(`${web}/dashboard`, { headers, redirect: 'manual' })
  expect(answer.status).toBe(200)
}

async function see(lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    expect(await until(() => isIn(seen, line)), `${line}\nis not in\n${seen}`).toBe(true)
  }
}

const SEEN_WITHIN_MS = 20_000

/** Waits until something printed makes it hold. @returns whether it did in time */
async function until(holds: () => boolean): Promise<boolean> {
  const late = AbortSignal.timeout(SEEN_WITHIN_MS)
  while (!holds() && !late.aborted) {
    await new Promise<void>((resolve) => {
      changed = resolve
      late.addEventListener('abort', () => resolve(), { once: true })
    })
  }
  return holds()
}
