import { ApiError } from './api-error.ts'
import { type Catalogue, isMarkedText, MARK } from './catalogue.ts'
import type { DatadogApi } from './client.ts'
import { type Difference, differences, type Json, tagsOf } from './json.ts'
import type { Variable } from './variables.ts'

/** One object in Datadog, and what the plan does with it. */
export interface Change {
  readonly kind: 'variable' | 'webhook' | 'pipeline' | 'monitor' | 'rule' | 'dashboard'
  readonly name: string
  /** Datadog's id, if the object exists. */
  readonly id?: string | number
  readonly action: 'create' | 'change' | 'keep'
  readonly differences: readonly Difference[]
  readonly note?: string
  readonly write: () => Promise<unknown>
}

/** All changes in the order of writing: an object comes after those that it refers to. */
export interface Plan {
  readonly changes: readonly Change[]
  /** Information for the user; needs no change. */
  readonly notes: readonly string[]
  /** If there is one, nothing is written. */
  readonly faults: readonly string[]
}

export interface PlanOptions {
  /** Takes over a webhook and variables of the same names. They have no tags that could show who created them. */
  readonly adopt?: boolean
  /** Writes hidden variables again, because they cannot be read back for a comparison. */
  readonly writeSecrets?: boolean
}

type Context = { api: DatadogApi; options: PlanOptions; notes: string[]; faults: string[] }

/**
 * Compares the catalogue with an account. Writes nothing; asks Datadog to validate each monitor and rule that would be written.
 * @throws ApiError when a call to Datadog fails
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
    ...(await planRules(catalogue, context)),
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

/** A webhook has no tags. It is ours if it has our name and its URL begins with our variable. */
async function planWebhook(wanted: Json, { api, options, faults }: Context): Promise<Change> {
  const name = String(wanted.name)
  const found = await api.getWebhook(name)
  if (found && !String(found.url).startsWith('$ATO_FUNCTIONS_ORIGIN/') && !options.adopt) {
    faults.push(
      `there is a webhook ${name} already, and it sends elsewhere: rename it, delete it, or take it over with --adopt`,
    )
  }
  return changeOf({
    kind: 'webhook',
    name,
    wanted,
    found,
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
    if (!value) faults.push(`${name} is missing in the environment, and Datadog does not have it yet: set it`)
    const to = hidden ? '[hidden]' : value?.reveal()
    return { ...change, action: 'create', differences: [{ path: 'value', from: undefined, to }], write }
  }
  if (!isOurs) {
    faults.push(
      `there is a variable ${name} already, and it may not be ours (or an earlier run stopped half-way): take it over with --adopt`,
    )
    return undefined
  }
  if (found.is_secret !== hidden) {
    if (!value)
      faults.push(`${name} must become ${hidden ? 'hidden' : 'visible'}, but it is missing in the environment: set it`)
    const difference = { path: 'is_secret', from: found.is_secret, to: hidden }
    return { ...change, action: 'change', differences: [difference], write }
  }
  if (hidden) {
    const rewritten = options.writeSecrets === true && value !== undefined
    if (!rewritten) {
      const note = '[hidden, set] cannot be compared; --write-secrets writes it again'
      return { ...change, action: 'keep', differences: [], note, write }
    }
    const difference = { path: 'value', from: '[hidden, set]', to: '[hidden, written again]' }
    return { ...change, action: 'change', differences: [difference], write }
  }
  const same = value === undefined || found.value === value.reveal()
  const note = value === undefined ? { note: 'not in the environment: left unchanged' } : {}
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
    kind: 'pipeline',
    name,
    wanted,
    found,
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
      kind: 'monitor',
      name: slug,
      wanted: json,
      found,
      create: () => api.createMonitor(json),
      change: () => api.updateMonitor(Number(found?.id), json),
    })
    changes.push(change)
    if (change.action !== 'keep') await validate(() => api.validateMonitor(json, found && Number(found.id)), context)
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
      `monitor ${each.id} ${quote(each.name)} was created from this catalogue and is no longer in it: delete it by hand`,
    )
  }
  return changes
}

/** What Datadog refuses is a fault of the plan, so it is reported with all others before anything is written. */
async function validate(ask: () => Promise<unknown>, { faults }: Context): Promise<void> {
  try {
    await ask()
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400) throw error
    faults.push(error.message)
  }
}

/** An account without Cloud SIEM, or a key that may not read its rules, takes everything else. */
async function planRules({ rules, siemWebhook }: Catalogue, context: Context): Promise<Change[]> {
  if (rules.length === 0) return []
  const { api, notes } = context
  const listed = await api.listRules().catch((error: unknown) => {
    if (!(error instanceof ApiError) || (error.status !== 403 && error.status !== 404)) throw error
    return undefined
  })
  if (!listed) {
    const needs = 'the account needs Cloud SIEM, and the key security_monitoring_rules_read and _write'
    notes.push(`the ${rules.length} rules of Cloud SIEM are left out: ${needs}`)
    return []
  }
  const ours = listed.filter((each) => tagsOf(each).includes(MARK))
  const changes: Change[] = siemWebhook ? [await planWebhook(siemWebhook, context)] : []
  for (const { slug, json } of rules) {
    const tag = `detection:${slug}`
    const found = onlyOne(
      `rules with the tag ${tag}`,
      ours.filter((each) => tagsOf(each).includes(tag)),
      context,
    )
    const change = changeOf({
      kind: 'rule',
      name: slug,
      wanted: json,
      found,
      create: () => api.createRule(json),
      change: () => api.updateRule(String(found?.id), json),
    })
    changes.push(change)
    if (change.action !== 'keep') await validate(() => api.validateRule(json), context)
  }
  const slugs = rules.map(({ slug }) => `detection:${slug}`)
  for (const each of ours.filter((one) => !tagsOf(one).some((tag) => slugs.includes(tag)))) {
    notes.push(
      `rule ${each.id} ${quote(each.name)} was created from this catalogue and is no longer in it: delete it by hand`,
    )
  }
  return changes
}

/** Dashboards only have tags of teams, so the mark is in the description. */
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
    kind: 'dashboard',
    name,
    wanted,
    found,
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
    notes.push(`${kind} ${each.id} ${quote(each.name ?? each.title)} has the same name and is not ours: left unchanged`)
  }
}

const quote = (name: unknown): string => JSON.stringify(String(name))

/** A write failed; earlier ones may have succeeded. */
class ApplyError extends Error {
  override readonly name = 'ApplyError'
}

/**
 * Carries out a plan in its order.
 * @param done called after each write
 * @throws ApplyError when a write fails; earlier writes stay, and the next run continues from there
 */
export async function applyPlan({ changes }: Plan, done: (change: Change) => void): Promise<void> {
  const due = changes.filter(({ action }) => action !== 'keep')
  for (const [i, change] of due.entries()) {
    try {
      await change.write()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const message = `${reason}\n${i} of ${due.length} were written before that; run it again to continue.`
      throw new ApplyError(message, { cause: error })
    }
    done(change)
  }
}
