import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMonitors, type Monitor } from '../datadog/monitor.ts'
import { parseWebhook, type Webhook } from '../datadog/webhook.ts'

export interface Detections {
  readonly monitors: readonly Monitor[]
  readonly webhooks: readonly Webhook[]
}

/**
 * Reads what is imported into Datadog: every `<slug>/monitor.json`, and the `webhook.json` that they notify.
 * @throws with every fault, by file and place
 */
export async function loadDetections(dir: string): Promise<Detections> {
  const file = join(dir, 'webhook.json')
  const webhook = parseWebhook(await readFile(file, 'utf8'), file)
  return { monitors: await loadMonitors(dir), webhooks: [webhook] }
}
