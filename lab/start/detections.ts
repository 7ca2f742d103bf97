import { readdir } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { loadMonitors, type Monitor, readImportable } from 'alertproof'
import { type Pipeline, readPipeline } from 'alertproof/intake'
import { notifierFor, parseWebhook, signalNotifierFor, type Webhook } from 'alertproof/notify'
import { loadRules, readImportableRule, type SiemRule } from 'alertproof/siem'
import type { Configuration } from '../datadog/server.ts'
import { readSmallFile } from './small-file.ts'

/** What became of a file that has changed. */
export interface FileNews {
  /** From the working directory. */
  readonly file: string
  readonly kind: 'accepted' | 'refused' | 'deleted' | 'as-before'
  /** Of a monitor or rule. */
  readonly slug?: string
  /** Of a refusal: every fault with its place. */
  readonly reason?: string
  /** Of a refusal: whether an earlier content stays in use. */
  readonly hasOlder?: boolean
}

type Value =
  | { readonly kind: 'monitor'; readonly monitor: Monitor }
  | { readonly kind: 'rule'; readonly rule: SiemRule }
  | { readonly kind: 'webhook'; readonly webhook: Webhook }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }

interface Accepted {
  readonly text: string
  readonly value: Value
}

const WEBHOOK = 'webhook.json'
const RULE_WEBHOOK = 'siem-webhook.json'
const PIPELINE = 'pipeline.json'
const NO_VARIABLES = { variables: {}, origin: '' }

/**
 * The files that are imported into Datadog: every `<slug>/monitor.json` and `<slug>/siem.json`, the `webhook.json` and
 * `siem-webhook.json` that they notify, and the optional `pipeline.json` that processes the logs. They can be read anew: each
 * file that has changed is accepted, or refused while its last accepted content stays.
 */
export class DetectionFiles {
  readonly dir: string
  /** By path. */
  #accepted = new Map<string, Accepted>()
  /** The content that was refused last, by path; undefined for a file that is missing. */
  readonly #refused = new Map<string, string | undefined>()

  private constructor(dir: string) {
    this.dir = dir
  }

  /** Reads all files. @throws with all faults by file and place */
  static async open(dir: string): Promise<DetectionFiles> {
    // Reports the faults of all monitors, or of all rules, at once.
    const [, rules] = [await loadMonitors(dir), await loadRules(dir)]
    const files = new DetectionFiles(dir)
    const news = await files.renew()
    const faults = news.flatMap(({ reason }) => (reason === undefined ? [] : [reason]))
    for (const name of rules.length > 0 ? [WEBHOOK, RULE_WEBHOOK] : [WEBHOOK]) {
      const path = join(dir, name)
      if (!files.#accepted.has(path) && !files.#refused.has(path)) faults.push(`${shown(path)}: is missing`)
    }
    if (faults.length > 0) throw new Error([...new Set(faults)].join('\n'))
    return files
  }

  /** What was accepted last. */
  get content(): Configuration {
    const values = [...this.#accepted.values()].map(({ value }) => value)
    const bySlug = <T extends { slug: string }>(list: T[]) => list.sort((a, b) => (a.slug < b.slug ? -1 : 1))
    return {
      monitors: bySlug(values.flatMap((value) => (value.kind === 'monitor' ? [value.monitor] : []))),
      rules: bySlug(values.flatMap((value) => (value.kind === 'rule' ? [value.rule] : []))),
      webhooks: values.flatMap((value) => (value.kind === 'webhook' ? [value.webhook] : [])),
      pipelines: values.flatMap((value) => (value.kind === 'pipeline' ? [value.pipeline] : [])),
    }
  }

  /** Reads the files that have changed. @returns what became of each, in order of their paths */
  async renew(): Promise<FileNews[]> {
    const texts = await this.#texts()
    const isEmpty = ![...texts.keys()].some((path) => basename(path) === 'monitor.json')
    // A folder without a monitor is one that is being replaced; a lab does not start with it either.
    if (isEmpty) return this.#refuse(this.dir, undefined, `${shown(this.dir)}: holds no monitor.json`, true)
    this.#refused.delete(this.dir)
    const paths = [...new Set([...this.#accepted.keys(), ...this.#refused.keys(), ...texts.keys()])].sort()
    return paths.flatMap((path) => this.#renewed(path, texts.get(path)))
  }

  #renewed(path: string, text: string | Unreadable | undefined): FileNews[] {
    const before = this.#accepted.get(path)
    if (text instanceof Unreadable) {
      return this.#refuse(path, text.message, `${shown(path)}: ${text.message}`, before !== undefined)
    }
    if (before?.text === text) {
      return this.#refused.delete(path) && before ? [{ file: shown(path), kind: 'as-before' }] : []
    }
    if (text === undefined) return this.#deleted(path)
    try {
      const value = readValue(text, path)
      const other = this.#otherOf(path, value)
      if (other !== undefined) throw new Error(`${path}: its folder has the name of another one: ${other}`)
      this.#accepted.set(path, { text, value })
      this.#refused.delete(path)
      const slug = slugOf(value)
      return [{ file: shown(path), kind: 'accepted', ...(slug !== undefined && { slug }) }]
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).replaceAll(path, shown(path))
      return this.#refuse(path, text, reason, before !== undefined)
    }
  }

  #deleted(path: string): FileNews[] {
    const before = this.#accepted.get(path)
    if (!before) {
      this.#refused.delete(path)
      return []
    }
    if (before.value.kind === 'webhook' && this.#isNeeded(path)) {
      return this.#refuse(path, undefined, `${shown(path)}: is missing`, true)
    }
    this.#accepted.delete(path)
    this.#refused.delete(path)
    const slug = slugOf(before.value)
    return [{ file: shown(path), kind: 'deleted', ...(slug !== undefined && { slug }) }]
  }

  /** Without news if the same content was refused before. */
  #refuse(path: string, text: string | undefined, reason: string, hasOlder: boolean): FileNews[] {
    if (this.#refused.has(path) && this.#refused.get(path) === text) return []
    this.#refused.set(path, text)
    return [{ file: shown(path), kind: 'refused', reason, hasOlder }]
  }

  #isNeeded(path: string): boolean {
    return basename(path) === WEBHOOK || this.content.rules.length > 0
  }

  /** The path of another monitor or rule of the same slug. */
  #otherOf(path: string, value: Value): string | undefined {
    const slug = slugOf(value)
    if (slug === undefined) return undefined
    const found = [...this.#accepted].find(
      ([other, { value: each }]) => other !== path && each.kind === value.kind && slugOf(each) === slug,
    )
    return found && shown(found[0])
  }

  /** The content of each file that there is, by path. */
  async #texts(): Promise<Map<string, string | Unreadable>> {
    const names = await readdir(this.dir, { recursive: true }).catch(() => [])
    const paths = names.filter(isRead).map((name) => join(this.dir, name))
    const texts = await Promise.all(paths.map((path) => readSmallFile(path).catch(unlessMissing)))
    return new Map(paths.flatMap((path, i) => (texts[i] === undefined ? [] : [[path, texts[i]] as const])))
  }
}

/** @param name from the folder of the detections */
const isRead = (name: string): boolean =>
  ['monitor.json', 'siem.json'].includes(basename(name)) || [WEBHOOK, RULE_WEBHOOK, PIPELINE].includes(name)

function readValue(text: string, path: string): Value {
  switch (basename(path)) {
    case 'monitor.json': {
      const monitor = readImportable(text, path)
      notifierFor(monitor, NO_VARIABLES)
      return { kind: 'monitor', monitor }
    }
    case 'siem.json': {
      const rule = readImportableRule(text, path)
      signalNotifierFor(rule, NO_VARIABLES)
      return { kind: 'rule', rule }
    }
    case PIPELINE:
      return { kind: 'pipeline', pipeline: readPipeline(text, path) }
    default:
      return { kind: 'webhook', webhook: parseWebhook(text, path) }
  }
}

function slugOf(value: Value): string | undefined {
  if (value.kind === 'monitor') return value.monitor.slug
  return value.kind === 'rule' ? value.rule.slug : undefined
}

/** A path as a person sees it. */
function shown(path: string): string {
  const own = relative('.', path)
  return own.startsWith('..') ? path : own
}

/** A file that is there and cannot be read: its message is the reason. */
class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

/** @returns undefined for a file that is missing */
function unlessMissing(error: NodeJS.ErrnoException): Unreadable | undefined {
  return error.code === 'ENOENT' ? undefined : new Unreadable(`cannot be read (${error.code ?? error.message})`)
}
