import type * as z from 'zod'
import { faultsBetween } from './config-faults.ts'
import { FunctionsSchema, MigrateSchema, WebSchema } from './config-variables.ts'

export type { SigningKey } from './config-values.ts'
export { DATADOG_SITES } from './config-variables.ts'

/** A configuration that cannot be used. The message names every fault by its variable, without the value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

export type FunctionsConfig = Readonly<z.infer<typeof FunctionsSchema>>
export type WebConfig = Readonly<z.infer<typeof WebSchema>>
export type MigrateConfig = Readonly<z.infer<typeof MigrateSchema>>
export const parseFunctionsConfig = (env: NodeJS.ProcessEnv): FunctionsConfig => parse(FunctionsSchema, env)
export const parseWebConfig = (env: NodeJS.ProcessEnv): WebConfig => parse(WebSchema, env)
export const parseMigrateConfig = (env: NodeJS.ProcessEnv): MigrateConfig => parse(MigrateSchema, env)

/** The schemas by reader, from which docs/configuration.md is generated. */
export const configSchemas = { functions: FunctionsSchema, web: WebSchema, release: MigrateSchema } as const

/** The names that a host reads, for the docs and the deployment templates. */
export const functionsVariables: readonly string[] = Object.keys(FunctionsSchema.shape)
export const webVariables: readonly string[] = Object.keys(WebSchema.shape)
export const migrateVariables: readonly string[] = Object.keys(MigrateSchema.shape)

type Env = NodeJS.ProcessEnv

/**
 * Parses once, before anything listens.
 * @throws ConfigError with every fault at once, by variable name and without the values
 */
function parse<S extends z.ZodObject>(schema: S, env: Env): Readonly<z.infer<S>> {
  // An empty variable counts as missing: `FOO=` in a settings file must not pass as a value.
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name in schema.shape && value !== ''))
  const result = schema.safeParse(given)
  const faults = [
    ...(result.error?.issues ?? []).map((issue) => faultOf(issue, given)),
    ...faultsBetween(given, result.data ?? {}, env.ATO_LAB === '1', 'TABLES_URL' in schema.shape),
  ]
  if (!result.success || faults.length > 0) {
    throw new ConfigError(`Configuration is not usable:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  }
  return Object.freeze(result.data)
}

function faultOf(issue: z.core.$ZodIssue, given: Record<string, unknown>): string {
  const [name, ...rest] = issue.path.map(String)
  const where = rest.length > 0 ? `${name} (${rest.join('.')})` : `${name}`
  return name !== undefined && !(name in given) ? `${where}: is missing` : `${where}: ${issue.message}`
}
