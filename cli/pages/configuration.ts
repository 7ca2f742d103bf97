import * as z from 'zod'
import { configSchemas } from '../../shared/config.ts'

const READERS = ['functions', 'web', 'release'] as const satisfies (keyof typeof configSchemas)[]
type Reader = (typeof READERS)[number]

/** One variable, described by its schema. */
interface Variable {
  readonly name: string
  readonly meaning: string
  readonly form: string
  /** `required`, `optional`, or the default. */
  readonly fallback: string
  readonly readBy: Reader[]
}

/** The JSON Schema of one variable, with our own `.meta`. */
const Described = z.object({
  description: z.string({ error: 'has no description in shared/config-variables.ts' }),
  form: z.string().optional(),
  default: z.union([z.string(), z.number()]).optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
})
type Described = z.infer<typeof Described>

const INTRODUCTION = `# Configuration

<!-- Generated from shared/config-variables.ts by \`npm run docs\`. Edit it there. -->

Each host reads its environment once, before it listens. If a value is unusable it does not start, and it prints every
fault at once, by variable and without the values. An empty variable counts as missing. Secrets of the lab begin with
\`lab-\`; they and origins without https are refused outside the lab. Exactly one of \`TABLES_URL\` and
\`TABLES_CONNECTION\` must be set.

Secrets in a list are separated by commas: the first signs, all are accepted. [Operations](operations.md#rotating-secrets)
describes how to rotate each without an outage. *Release* is \`node dist/migrate.js\`, which migrates the database.
\`npm run contain\` reads the variables of functions.
`

const OTHERS = `## Read by commands and tests

| variable | meaning | read by |
|---|---|---|
| \`DATABASE_URL\`, \`REDIS_URL\`, \`TABLES_CONNECTION\` | running stores that replace the embedded ones, each on its own | \`npm start\`, \`npm run lab:stores\` |
| \`TEST_DATABASE_URL\`, \`TEST_REDIS_URL\`, \`TEST_TABLES_CONNECTION\` | the same for the tests; the stores must be empty | \`npm test\` |
| \`REDIS_SERVER\` | the \`redis-server\` (7 or later) to start: a path, or \`none\` for the embedded one; default: the one on the \`PATH\`, if any | \`npm start\`, \`npm run lab:stores\`, \`npm test\` |
| \`ATO_ATTACK_ALLOW_HOSTS\` | further hosts that may be attacked, comma-separated; this machine always may | \`npm run attack\` |
| \`DD_API_KEY\`, \`DD_APP_KEY\`, \`DD_SITE\`, \`ATO_FUNCTIONS_ORIGIN\`, \`ATO_FUNCTION_KEY\`, \`ATO_WEBHOOK_SECRET\` | the Datadog account and the variables of its webhook: [Datadog](datadog.md) | \`npm run detections\` |
| \`NO_COLOR\` | no colours | every command |
| \`DEBUG\` | print the stack of an unexpected error | every command |
`

/**
 * @returns docs/configuration.md
 * @throws when a variable has no description
 */
export function configurationPage(): string {
  const variables = readVariables()
  const sections = [
    ['Both hosts', variables.filter(({ readBy }) => readBy.includes('functions') && readBy.includes('web'))],
    ['Functions', variables.filter(({ readBy }) => readBy.includes('functions') && !readBy.includes('web'))],
    ['Web', variables.filter(({ readBy }) => readBy.includes('web') && !readBy.includes('functions'))],
  ] as const
  const tables = sections.map(([title, rows]) => `## ${title}\n\n${table(rows)}\n`)
  return [INTRODUCTION, ...tables, OTHERS].join('\n')
}

function readVariables(): Variable[] {
  const variables = new Map<string, Variable>()
  for (const reader of READERS) {
    const schema = z.toJSONSchema(configSchemas[reader], { io: 'input', unrepresentable: 'any' })
    const { properties = {}, required = [] } = schema
    for (const [name, property] of Object.entries(properties)) {
      const known = variables.get(name)
      if (known) known.readBy.push(reader)
      else variables.set(name, variable(name, property, required.includes(name), reader))
    }
  }
  return [...variables.values()]
}

function variable(name: string, property: unknown, required: boolean, reader: Reader): Variable {
  const described = Described.safeParse(property)
  if (!described.success) throw new Error(`${name} ${z.prettifyError(described.error)}`)
  const { description, default: value } = described.data
  const given = value === undefined || value === '' ? 'optional' : `\`${value}\``
  return {
    name,
    meaning: description,
    form: formOf(described.data),
    fallback: required ? 'required' : given,
    readBy: [reader],
  }
}

function formOf({ form, enum: choices, minimum, maximum }: Described): string {
  if (form !== undefined) return form
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ')
  if (minimum === undefined) return 'text'
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER
    ? `whole number from ${minimum}`
    : `whole number, ${minimum} to ${maximum}`
}

const table = (variables: readonly Variable[]): string =>
  [
    '| variable | meaning | form | default | read by |',
    '|---|---|---|---|---|',
    ...variables.map(
      ({ name, meaning, form, fallback, readBy }) =>
        `| \`${name}\` | ${meaning} | ${form} | ${fallback} | ${readBy.join(', ')} |`,
    ),
  ].join('\n')
