import * as z from 'zod'
import { configSchemas } from '../../shared/config.ts'

type Reader = keyof typeof configSchemas

/** One variable as its schema describes it. */
interface Variable {
  readonly name: string
  readonly meaning: string
  readonly form: string
  /** `required`, `optional`, or the default. */
  readonly fallback: string
  readonly readBy: Reader[]
}

/** What JSON Schema and our own `.meta` say of one variable. */
const Described = z.object({
  description: z.string({ error: 'has no description in shared/config.ts' }),
  form: z.string().optional(),
  default: z.union([z.string(), z.number()]).optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
})
type Described = z.infer<typeof Described>

const INTRODUCTION = `# Configuration

<!-- Generated from shared/config.ts by \`npm run docs\`. Edit it there. -->

Each host reads its environment once, before anything listens, and does not start with one that is not usable: every
fault is printed at once, by variable and without the values. A variable set to nothing is a variable that is missing.
Secrets of the lab begin with \`lab-\` and are refused outside it, as are origins without https. Exactly one of
\`TABLES_URL\` and \`TABLES_CONNECTION\` must be set.

A list of secrets is separated by commas: the first signs, all are accepted. How each is exchanged without an outage is
in [operations](operations.md#rotating-secrets). *Release* is \`node dist/migrate.js\`, which brings the database up to
date; \`npm run contain\` reads what functions reads.
`

const OTHERS = `## Read by commands and tests

| variable | meaning | read by |
|---|---|---|
| \`DATABASE_URL\`, \`REDIS_URL\`, \`TABLES_CONNECTION\` | stores that run already, in the place of the embedded ones, one by one | \`npm start\`, \`npm run lab:stores\` |
| \`TEST_DATABASE_URL\`, \`TEST_REDIS_URL\`, \`TEST_TABLES_CONNECTION\` | the same for the tests: stores that hold nothing else | \`npm test\` |
| \`REDIS_SERVER\` | the \`redis-server\` (7 or later) to start: a path, or \`none\` for the embedded one; unset: one on the \`PATH\` if there is any | \`npm start\`, \`npm run lab:stores\`, \`npm test\` |
| \`ATO_ATTACK_ALLOW_HOSTS\` | hosts that may be attacked beside this machine, comma-separated | \`npm run attack\` |
| \`DD_API_KEY\`, \`DD_APP_KEY\`, \`DD_SITE\`, \`ATO_FUNCTIONS_ORIGIN\`, \`ATO_FUNCTION_KEY\`, \`ATO_WEBHOOK_SECRET\` | the Datadog account, and what its webhook needs: [Datadog](datadog.md) | \`npm run detections\` |
| \`NO_COLOR\` | no colours | every command |
| \`DEBUG\` | a stack below an unexpected error | every command |
`

/**
 * docs/configuration.md, whole.
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
  for (const [reader, schema] of Object.entries(configSchemas) as [Reader, z.ZodObject][]) {
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
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
