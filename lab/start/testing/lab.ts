import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { awaitMessage, startNode } from '../../processes/part.ts'
import { type LabHandle, type LabOptions, startLab } from '../lab.ts'
import type { Launch } from '../programs.ts'

const APP = fileURLToPath(new URL('./app.mjs', import.meta.url))

const launchFixture: Launch = async ({ env, onStdout, onStderr, born }) => {
  const part = startNode({ name: 'app', script: APP, env, onStdout, onStderr })
  born(part)
  const { port } = await awaitMessage(part, 'ready', 15_000)
  return { part, port: Number(port) }
}

const monitor = {
  name: 'pings',
  type: 'log alert',
  query: 'logs("service:mini-ato-saas env:prod @evt:ping").index("*").rollup("count").by("@url").last("5m") > 1',
  message: '{{#is_alert}}@webhook-ato{{/is_alert}}',
  tags: ['detection:pings'],
  options: {
    thresholds: { critical: 1 },
    new_group_delay: 0,
    on_missing_data: 'resolve',
    groupby_simple_monitor: false,
  },
}
const webhook = {
  name: 'ato',
  url: '$ATO_FUNCTIONS_ORIGIN/alerted',
  payload: '{"id":"$ID"}',
  custom_headers: '{"X-ATO-Webhook-Secret":"$ATO_WEBHOOK_SECRET"}',
}

/** A real lab whose two apps are the fixture and whose only detection counts the fixture's requests. */
export async function startFixtureLab(dir: string, options: Partial<LabOptions> = {}): Promise<LabHandle> {
  const detections = join(dir, 'detections')
  await mkdir(join(detections, 'pings'), { recursive: true })
  await writeFile(join(detections, 'pings', 'monitor.json'), JSON.stringify(monitor))
  await writeFile(join(detections, 'webhook.json'), JSON.stringify(webhook))
  return startLab({
    dir,
    detections,
    ports: { web: 0, functions: 0, datadog: 0 },
    log: () => {},
    build: async () => {},
    migrate: async () => {},
    ...options,
    programs: { web: launchFixture, functions: launchFixture, ...options.programs },
  })
}
