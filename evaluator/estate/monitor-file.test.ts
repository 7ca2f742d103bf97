import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Estate, loadEstate } from './estate.ts'
import { readLapses, writeLock } from './lock.ts'

const query = 'logs("status:error").index("*").rollup("count").by("service").last("5m") > 10'
const monitor = { name: 'Errors', type: 'log alert', query, message: '@ops', options: { thresholds: { critical: 10 } } }

async function estateOf(files: Readonly<Record<string, string>>): Promise<{ dir: string; estate: Estate }> {
  const dir = await mkdtemp(join(tmpdir(), 'monitor-file-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), content)
  }
  return { dir, estate: await loadEstate(dir) }
}

const slugs = ({ monitors }: Estate) => monitors.map(({ slug }) => slug)
const brokenOf = ({ broken }: Estate, dir: string) =>
  broken.map(({ file, place, reason }) => `${file.replace(`${dir}/`, '')}:${place}: ${reason}`)

const MANIFEST = `apiVersion: datadoghq.com/v1alpha1
kind: DatadogMonitor
metadata:
  name: errors-by-service
  namespace: datadog
spec:
  name: Errors
  type: log alert
  query: >-
    logs("status:error").index("*").rollup("count")
    .by("service").last("5m") > 10
  message: "@ops"
  tags: ["team:web"]
  priority: 2
  controllerOptions:
    disableRequiredTags: true
  options:
    enableLogsSample: true
    evaluationDelay: 60
    newGroupDelay: 0
    onMissingData: resolve
    renotifyInterval: 30
    renotifyStatuses: ["alert"]
    thresholds:
      critical: "10"
      criticalRecovery: "5"
`

test('a manifest of the Kubernetes operator is read with the names and numbers of the API', async () => {
  const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n'
  const cpu = MANIFEST.replace('errors-by-service', 'cpu').replace('log alert', 'metric alert')
  const { estate } = await estateOf({ 'k8s/all.yaml': [MANIFEST, other, cpu].join('---\n'), 'values.yml': 'a: 1\n' })
  expect(slugs(estate)).toEqual(['errors-by-service'])
  expect(estate.monitors[0]).toMatchObject({
    name: 'Errors',
    tags: ['team:web'],
    priority: 2,
    options: {
      ...{ enable_logs_sample: true, evaluation_delay: 60, new_group_delay: 0, on_missing_data: 'resolve' },
      ...{ renotify_interval: 30, renotify_statuses: ['alert'] },
      thresholds: { critical: 10, critical_recovery: 5 },
    },
  })
  expect(estate.readings.map(({ slug, notes }) => [slug, notes])).toEqual([
    ['cpu', []],
    ['errors-by-service', []],
  ])
  expect(estate.passedOver).toEqual([])
})

test('a list of manifests, and YAML with what the API takes, are read', async () => {
  const list = JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [{ kind: 'Service' }, manifestJson('one'), manifestJson('two')],
  })
  const yaml = `name: Errors\ntype: log alert\nquery: '${query}'\nmessage: m\noptions: { thresholds: { critical: 10 } }\n`
  const { estate } = await estateOf({ 'list.json': list, 'plain.yaml': yaml })
  expect(slugs(estate)).toEqual(['one', 'plain', 'two'])
})

const manifestJson = (name: string) => ({
  ...{ apiVersion: 'datadoghq.com/v1alpha1', kind: 'DatadogMonitor', metadata: { name } },
  spec: { ...monitor, options: { thresholds: { critical: '10' } } },
})

test('YAML that is broken, or has a key twice, is named if it is about monitors', async () => {
  const { dir, estate } = await estateOf({
    'twice.yaml': MANIFEST.replace('  priority: 2\n', '  priority: 2\n  priority: 3\n'),
    'chart.yaml': 'a: {{ .Values.a }}\nb: [\n',
    'template.yaml': `${MANIFEST}  bad: {{ .Values.a }}]\n`,
  })
  expect(brokenOf(estate, dir)).toEqual([
    expect.stringMatching(/^template\.yaml:\d+:\d+: is not YAML: /),
    expect.stringMatching(/^twice\.yaml:1[45]:3: is not YAML: Map keys must be unique: ".+"$/),
  ])
})

test('YAML that is broken is named whatever it is about, if a person named the file', async () => {
  const { dir } = await estateOf({ 'chart.yaml': 'a: 1\n\tb: 3\n' })
  const { broken } = await loadEstate(join(dir, 'chart.yaml'))
  expect(broken).toMatchObject([{ place: '2:1', reason: expect.stringMatching(/^is not YAML: .*: "b: 3"$/) }])
})

test('HCL is answered with the command that makes it readable, wherever it stands', async () => {
  const hcl = `# alerts\nresource "datadog_monitor" "errors" {\n  query = <<-EOT\n    ${query}\n  EOT\n}\n`
  const { dir, estate } = await estateOf({
    'main.tf': hcl,
    'variables.tf': 'variable "a" {}\n',
    'more.tf.json': JSON.stringify({ resource: { datadog_monitor: { errors: monitor } } }),
    'plan.tfstate': 'PK\u0003\u0004binary',
  })
  expect(slugs(estate)).toEqual([])
  expect(brokenOf(estate, dir)).toEqual([
    expect.stringMatching(
      /^main\.tf:2:1: is HCL: .*`terraform plan -out=plan && terraform show -json plan > plan\.json`/,
    ),
    expect.stringMatching(/^more\.tf\.json:1:1: is a configuration of Terraform: /),
    expect.stringMatching(/^plan\.tfstate:1:1: is packed, as a plan of Terraform is: /),
  ])
  expect((await loadEstate(join(dir, 'variables.tf'))).passedOver).toHaveLength(1)
})

test('a file of state gives the monitors under their addresses', async () => {
  const attributes = { ...monitor, options: undefined, monitor_thresholds: [{ critical: '10' }], include_tags: true }
  const state = {
    ...{ version: 4, terraform_version: '1.9.0', serial: 1 },
    resources: [
      { mode: 'managed', type: 'datadog_monitor', name: 'one', instances: [{ attributes }] },
      {
        module: 'module.web',
        mode: 'managed',
        type: 'datadog_monitor',
        name: 'each',
        instances: [{ index_key: 'eu', attributes }],
      },
      { mode: 'data', type: 'datadog_monitor', name: 'other', instances: [{ attributes }] },
    ],
  }
  const { estate } = await estateOf({ 'terraform.tfstate': JSON.stringify(state) })
  expect(slugs(estate)).toEqual(['datadog_monitor.one', 'module.web.datadog_monitor.each["eu"]'])
})

test('a query that a plan does not know yet is named', async () => {
  const address = 'datadog_monitor.errors'
  const plan = {
    ...{ format_version: '1.2', terraform_version: '1.9.0' },
    planned_values: {
      root_module: {
        resources: [{ address, mode: 'managed', type: 'datadog_monitor', values: { name: 'a', type: 'log alert' } }],
      },
    },
    resource_changes: [{ address, change: { after_unknown: { query: true, id: true } } }],
  }
  const { estate } = await estateOf({ 'plan.json': JSON.stringify(plan) })
  expect(estate.readings[0]?.faults).toEqual([
    expect.objectContaining({
      place: `${address}.query`,
      reason: expect.stringMatching(/known only after `terraform apply`/),
    }),
  ])
})

test('a lock names what is evaluated no more, with the reason', async () => {
  const { dir, estate } = await estateOf({ 'a.json': JSON.stringify(monitor), 'b.json': JSON.stringify(monitor) })
  const lock = join(dir, 'monitors.lock')
  await expect(readLapses(lock, estate.readings)).rejects.toThrow('does not exist: --update-lock writes it')
  await writeLock(lock, estate.readings)
  expect(await readLapses(lock, estate.readings)).toEqual([])
  await rm(join(dir, 'a.json'))
  await writeFile(join(dir, 'b.json'), JSON.stringify({ ...monitor, query: 'logs("a' }))
  expect(await readLapses(lock, (await loadEstate(dir)).readings)).toEqual([
    { slug: 'a', reason: 'there is no such monitor' },
    { slug: 'b', reason: expect.stringMatching(/^query/) },
  ])
})
