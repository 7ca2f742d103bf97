import { type Catalogue, isMarkedText, MARK } from './catalogue.ts'
import { ApiError, type DatadogApi } from './client.ts'
import { type Difference, differences, type Json, tagsOf } from './json.ts'
import type { Variable } from './variables.ts'

/** One object in Datadog, and what would become of it. */
export interface Change {
  readonly kind: 'variable' | 'webhook' | 'pipeline' | 'monitor' | 'dashboard'
  readonly name: string
  /** Datadog's own, of what is there already. */
  readonly id?: string | number
  readonly action: 'create' | 'change' | 'keep'
  readonly differences: readonly Difference[]
  readonly note?: string
  readonly write: () => Promise<unknown>
}

/** Everything in the order in which it would be written: what others name comes before them. */
export interface Plan {
  readonly changes: readonly Change[]
  /** Worth knowing, and left alone. */
  readonly notes: readonly string[]
  /** With one of these nothing is written. */
  readonly faults: readonly string[]
}

export interface PlanOptions {
  /** Takes over a webhook and variables of our names that nothing shows to be ours: they have no tags. */
  readonly adopt?: boolean
  /** Writes hidden variables again; whether they differ cannot be seen. */
  readonly writeSecrets?: boolean
}

type Context = { api: DatadogApi; options: PlanOptions; notes: string[]; faults: string[] }

/**
 * Compares the catalogue with an account. Nothing is written; monitors that would be are validated by Datadog.
 * @throws ApiError when Datadog cannot be asked
 */
export async function planChanges(
  api: DatadogApi,
  catalogue: Catalogue,
  variables: readonly Variable[],
  options: PlanOptions = {},
): Promise<Plan> {
  const context: Context = { api, options, notes: [], faults: [] }
  const webhook = await planWebhook(catalogue.webhook, context)
  const changes = [
    ...(await planVariables(variables, webhook.action !== 'create', context)),
    webhook,
    await planPipeline(catalogue.pipeline, context),
    ...(await planMonitors(catalogue.monitors, context)),
    await planDashboard(catalogue.dashboard, context),
  ]
  return { changes, notes: context.notes, faults: context.faults }
}

interface Target {
  readonly kind: Change['kind']
  readonly name: string
  readonly wanted: Json
  readonly found: Json | undefined
  readonly create: () => Promise<unknown>
  readonly change: () => Promise<unknown>
}

function changeOf({ kind, name, wanted, found, create, change }: Target): Change {
  if (!found) return { kind, name, action: 'create', differences: [], write: create }
  const differing = differences(wanted, found)
  const id = typeof found.id === 'string' || typeof found.id === 'number' ? { id: found.id } : {}
  return { kind, name, ...id, action: differing.length > 0 ? 'change' : 'keep', differences: differing, write: change }
}

/** A webhook has no tags: ours is the one of our name that sends to the variable that is ours. */
async function planWebhook(wanted: Json, { api, options, faults }: Context): Promise<Change> {
  const name = String(wanted.name)
  const found = await api.getWebhook(name)
  if (found && !String(found.url).startsWith('$ATO_FUNCTIONS_ORIGIN/') && !options.adopt) {
    faults.push(`there is a webhook ${name} already, and it sends elsewhere: rename or delete it, or --adopt it`)
  }
  return changeOf({
    ...{ kind: 'webhook', name, wanted, found },
    create: () => api.createWebhook(wanted),
    change: () => api.updateWebhook(name, wanted),
  })
}

async function planVariables(
  variables: readonly Variable[],
  webhookIsOurs: boolean,
  context: Context,
): Promise<Change[]> {
  const changes: Change[] = []
  for (const variable of variables) {
    const found = await context.api.getVariable(variable.name)
    const change = planVariable(variable, found, webhookIsOurs || context.options.adopt === true, context)
    if (change) changes.push(change)
  }
  return changes
}

function planVariable(
  { name, hidden, value }: Variable,
  found: Json | undefined,
  isOurs: boolean,
  { api, options, faults }: Context,
): Change | undefined {
  const change = { kind: 'variable', name } as const
  const json = (): Json => ({ name, is_secret: hidden, value: value?.reveal() })
  const write = () => (found ? api.updateVariable(name, json()) : api.createVariable(json()))
  if (!found) {
    if (!value) faults.push(`${name} is not in the environment, and Datadog has no such variable yet`)
    const to = hidden ? '[hidden]' : value?.reveal()
    return { ...change, action: 'create', differences: [{ path: 'value', from: undefined, to }], write }
  }
  if (!isOurs) {
    faults.push(
      `there is a variable ${name} already, and nothing shows that it is ours (an earlier run may have stopped half-way): --adopt takes it over`,
    )
    return undefined
  }
  if (found.is_secret !== hidden) {
    if (!value)
      faults.push(`${name} must become ${hidden ? 'hidden' : 'visible'}, and the environment does not give it`)
    const difference = { path: 'is_secret', from: found.is_secret, to: hidden }
    return { ...change, action: 'change', differences: [difference], write }
  }
  if (hidden) {
    const rewritten = options.writeSecrets === true && value !== undefined
    if (!rewritten) {
      const note = '[hidden, set] cannot be read back; --write-secrets writes it again'
      return { ...change, action: 'keep', differences: [], note, write }
    }
    const difference = { path: 'value', from: '[hidden, set]', to: '[hidden, written again]' }
    return { ...change, action: 'change', differences: [difference], write }
  }
  const same = value === undefined || found.value === value.reveal()
  const note = value === undefined ? { note: 'not in the environment: left as it is' } : {}
  const differing = same ? [] : [{ path: 'value', from: found.value, to: value.reveal() }]
  return { ...change, action: same ? 'keep' : 'change', differences: differing, ...note, write }
}

async function planPipeline(wanted: Json, context: Context): Promise<Change> {
  const { api } = context
  const name = String(wanted.name)
  const all = await api.listPipelines()
  const found = onlyOne(
    `pipelines`,
    all.filter((each) => tagsOf(each).includes(MARK)),
    context,
  )
  noteNamesakes(
    'pipeline',
    all.filter((each) => each.name === name && !tagsOf(each).includes(MARK)),
    context,
  )
  return changeOf({
    ...{ kind: 'pipeline', name, wanted, found },
    create: () => api.createPipeline(wanted),
    change: () => api.updatePipeline(String(found?.id), wanted),
  })
}

async function planMonitors(monitors: Catalogue['monitors'], context: Context): Promise<Change[]> {
  const { api, notes } = context
  const listed = await api.listMonitors({ monitorTags: MARK })
  const ours = listed.filter((each) => tagsOf(each).includes(MARK))
  const changes: Change[] = []
  for (const { slug, json } of monitors) {
    const tag = `detection:${slug}`
    const found = onlyOne(
      `monitors with the tag ${tag}`,
      ours.filter((each) => tagsOf(each).includes(tag)),
      context,
    )
    const change = changeOf({
      ...{ kind: 'monitor', name: slug, wanted: json, found },
      create: () => api.createMonitor(json),
      change: () => api.updateMonitor(Number(found?.id), json),
    })
    changes.push(change)
    if (change.action !== 'keep') await validate(json, found, context)
    if (change.action === 'create') {
      const named = await api.listMonitors({ name: String(json.name) })
      noteNamesakes(
        'monitor',
        named.filter((each) => each.name === json.name && !tagsOf(each).includes(MARK)),
        context,
      )
    }
  }
  const slugs = monitors.map(({ slug }) => `detection:${slug}`)
  for (const each of ours.filter((one) => !tagsOf(one).some((tag) => slugs.includes(tag)))) {
    notes.push(
      `monitor ${each.id} ${quote(each.name)} was made from this catalogue and is no longer in it: delete it by hand`,
    )
  }
  return changes
}

/** A monitor that Datadog refuses is a fault of the plan, told with all others before anything is written. */
async function validate(json: Json, found: Json | undefined, { api, faults }: Context): Promise<void> {
  try {
    await api.validateMonitor(json, found && Number(found.id))
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400) throw error
    faults.push(error.message)
  }
}

/** Dashboards know only tags of teams: ours says what it is in its description. */
async function planDashboard(wanted: Json, context: Context): Promise<Change> {
  const { api } = context
  const name = String(wanted.title)
  const all = await api.listDashboards()
  const listed = onlyOne(
    'dashboards',
    all.filter((each) => isMarkedText(each.description)),
    context,
  )
  noteNamesakes(
    'dashboard',
    all.filter((each) => each.title === name && !isMarkedText(each.description)),
    context,
  )
  const found = listed && (await api.getDashboard(String(listed.id)))
  return changeOf({
    ...{ kind: 'dashboard', name, wanted, found },
    create: () => api.createDashboard(wanted),
    change: () => api.updateDashboard(String(found?.id), wanted),
  })
}

function onlyOne(what: string, found: readonly Json[], { faults }: Context): Json | undefined {
  if (found.length > 1) {
    faults.push(
      `there are ${found.length} ${what} with our mark (${found.map(({ id }) => id).join(', ')}): delete all but one`,
    )
  }
  return found[0]
}

function noteNamesakes(kind: string, found: readonly Json[], { notes }: Context): void {
  for (const each of found) {
    notes.push(
      `${kind} ${each.id} ${quote(each.name ?? each.title)} has the same name and is not ours: it is left alone`,
    )
  }
}

const quote = (name: unknown): string => JSON.stringify(String(name))

/** Something was written, and then something failed. */
class ApplyError extends Error {
  override readonly name = 'ApplyError'
}

/**
 * Writes what a plan says, in its order.
 * @param done told after each write
 * @throws ApplyError with what failed; what was written before it stays, and the next run goes on from there
 */
export async function applyPlan({ changes }: Plan, done: (change: Change) => void): Promise<void> {
  const due = changes.filter(({ action }) => action !== 'keep')
  for (const [i, change] of due.entries()) {
    try {
      await change.write()
    } catch (error) {
      const words = `${(error as Error).message}\n${i} of ${due.length} were written before that; run it again to go on.`
      throw new ApplyError(words, { cause: error })
    }
    done(change)
  }
}
