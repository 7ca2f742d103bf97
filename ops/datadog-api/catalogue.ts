import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMonitors } from 'alertproof'
import { reasonOf } from 'alertproof/cli'
import { readPipeline } from 'alertproof/intake'
import { parseWebhook } from 'alertproof/notify'
import { loadRules } from 'alertproof/siem'
import { type Model, schemaFaults } from '../../detections/datadog-schema.ts'
import { type Profile, type ProfileName, profiles } from '../../detections/profiles.ts'
import { withRuleSetting, withSetting } from '../../detections/setting.ts'
import { isJson, type Json, tagsOf } from './json.ts'

/** Marks what this command created, so that a later run recognizes it: a tag, or a word of the description where Datadog has no tags. */
export const MARK = 'managed-by:mini-ato-saas'

/** Everything that is written to Datadog, in the form of the files. */
export interface Catalogue {
  readonly monitors: readonly { readonly slug: string; readonly json: Json }[]
  /** Rules of Cloud SIEM. */
  readonly rules: readonly { readonly slug: string; readonly json: Json }[]
  readonly webhook: Json
  /** The webhook that the rules notify; absent without rules. */
  readonly siemWebhook: Json | undefined
  readonly pipeline: Json
  readonly dashboard: Json
}

/** Its message lists every fault of every file. */
class CatalogueError extends Error {
  override readonly name = 'CatalogueError'
}

/**
 * Reads `<slug>/monitor.json`, `<slug>/siem.json`, `webhook.json`, `siem-webhook.json`, `pipeline.json` and `dashboard.json`, and checks each
 * against Datadog's schema and against what the evaluator supports.
 * @param profile the thresholds that replace those of the monitor files
 * @throws CatalogueError with every fault, by file and place
 */
export async function loadCatalogue(dir: string, profile: ProfileName = 'demo'): Promise<Catalogue> {
  const faults: string[] = []
  const read = async (file: string, model: Model, alsoRead: (text: string, file: string) => unknown) => {
    const path = join(dir, file)
    try {
      const text = await readFile(path, 'utf8')
      const json: unknown = JSON.parse(text)
      faults.push(...schemaFaults(model, json).map((fault) => `${path}: ${fault}`))
      alsoRead(text, path)
      return isJson(json) ? json : {}
    } catch (error) {
      faults.push(error instanceof SyntaxError ? `${path} is not JSON: ${error.message}` : reasonOf(error))
      return {}
    }
  }
  const webhook = await read('webhook.json', 'WebhooksIntegration', parseWebhook)
  const pipeline = await read('pipeline.json', 'LogsPipeline', readPipeline)
  const dashboard = await read('dashboard.json', 'Dashboard', () => {})
  const slugs = await loadMonitors(dir).catch((error: Error) => {
    faults.push(error.message)
    return []
  })
  const monitors = await Promise.all(
    slugs.map(async ({ slug }) => ({ slug, json: await read(join(slug, 'monitor.json'), 'Monitor', () => {}) })),
  )
  const ruled = await loadRules(dir).catch((error: Error) => {
    faults.push(error.message)
    return []
  })
  const rules = await Promise.all(
    ruled.map(async ({ slug }) => ({
      slug,
      json: await read(join(slug, 'siem.json'), 'SecurityMonitoringStandardRuleCreatePayload', () => {}),
    })),
  )
  const siemWebhook =
    ruled.length > 0 ? await read('siem-webhook.json', 'WebhooksIntegration', parseWebhook) : undefined

  const requireMark = (file: string, json: Json, isMarked: boolean) => {
    if (Object.keys(json).length > 0 && !isMarked) faults.push(`${join(dir, file)}: the mark ${MARK} is missing`)
  }
  requireMark('pipeline.json', pipeline, tagsOf(pipeline).includes(MARK))
  requireMark('dashboard.json', dashboard, isMarkedText(dashboard.description))
  const requireTags = (file: string, slug: string, json: Json) => {
    requireMark(file, json, tagsOf(json).includes(MARK))
    if (!tagsOf(json).includes(`detection:${slug}`))
      faults.push(`${join(dir, file)}: the tag detection:${slug} is missing`)
  }
  for (const { slug, json } of rules) requireTags(join(slug, 'siem.json'), slug, json)
  for (const { file, cases } of ruled) {
    for (const handle of cases.flatMap(({ notifications }) => notifications)) {
      if (handle.startsWith('@webhook-') && handle !== `@webhook-${siemWebhook?.name}`)
        faults.push(`${file}: ${handle} is not the name in siem-webhook.json`)
    }
  }
  for (const { slug, json } of monitors) {
    const file = join(slug, 'monitor.json')
    requireTags(file, slug, json)
    for (const [, handle] of String(json.message).matchAll(/@webhook-([\w.-]+)/g)) {
      if (handle !== webhook.name) faults.push(`${join(dir, file)}: @webhook-${handle} is not the name in webhook.json`)
    }
  }
  if (faults.length > 0) throw new CatalogueError(faults.join('\n'))
  const settings: Profile = profiles[profile]
  const set = (change: typeof withSetting) => (each: { slug: string; json: Json }) => {
    const setting = Object.hasOwn(settings, each.slug) ? settings[each.slug] : undefined
    return { ...each, json: setting ? change(each.slug, each.json, setting) : each.json }
  }
  return {
    monitors: monitors.map(set(withSetting)),
    rules: rules.map(set(withRuleSetting)),
    webhook,
    siemWebhook,
    pipeline,
    dashboard,
  }
}

/** Whether the text holds the mark as a whole word, not as the beginning of a longer one. */
export function isMarkedText(description: unknown): boolean {
  return typeof description === 'string' && description.split(/\s+/).includes(MARK)
}
