import { Secret } from '../../shared/secret.ts'

/** A custom variable of the account, which webhook.json refers to as `$NAME`. */
export interface Variable {
  readonly name: string
  readonly hidden: boolean
  /** Absent when the environment does not give it. */
  readonly value: Secret | undefined
}

interface Rule {
  readonly name: string
  readonly hidden: boolean
  /** The environment may hold a list, newest first, while a secret is rotated; Datadog sends the newest. */
  readonly list?: true
  /** @returns the fault, without the value; undefined for a usable value */
  fault(value: string): string | undefined
}

const MIN_SECRET_BYTES = 32

/** Datadog puts a variable's text unescaped into the webhook's URL or into the JSON of its headers. */
const RULES: readonly Rule[] = [
  {
    name: 'ATO_FUNCTIONS_ORIGIN',
    hidden: false,
    fault: (value) =>
      URL.canParse(value) && new URL(value).origin === value && value.startsWith('https://')
        ? undefined
        : 'must be an https origin such as https://ato.azurewebsites.net, without a path',
  },
  {
    name: 'ATO_FUNCTION_KEY',
    hidden: true,
    fault: (value) => (/^[\w.~=-]+$/.test(value) ? undefined : 'holds a character that must be escaped in a URL'),
  },
  {
    name: 'ATO_WEBHOOK_SECRET',
    hidden: true,
    list: true,
    fault(value) {
      if (Buffer.byteLength(value) < MIN_SECRET_BYTES) return `must be at least ${MIN_SECRET_BYTES} bytes`
      return /^[\x21-\x7e]+$/.test(value) && !/["\\$]/.test(value)
        ? undefined
        : 'holds a character that must be escaped in a JSON header'
    },
  },
]

/**
 * Reads the custom variables that a webhook refers to from the environment.
 * @returns faults by name, never with a value
 */
export function readVariables(
  webhook: unknown,
  env: NodeJS.ProcessEnv,
): { variables: readonly Variable[]; faults: readonly string[] } {
  const named = new Set([...JSON.stringify(webhook).matchAll(/\$(ATO_[A-Z_]+)/g)].map(([, name]) => name))
  const unknown = [...named].filter((name) => RULES.every((rule) => rule.name !== name))
  const faults = unknown.map((name) => `webhook.json refers to $${name}, which this command cannot set`)
  const variables = RULES.filter(({ name }) => named.has(name)).map((rule) => {
    const text = rule.list ? env[rule.name]?.split(',')[0]?.trim() : env[rule.name]
    if (text === undefined || text === '') return { name: rule.name, hidden: rule.hidden, value: undefined }
    const fault = text.startsWith('lab-') ? 'is a lab secret, which opens nothing outside the lab' : rule.fault(text)
    if (fault !== undefined) faults.push(`${rule.name}: ${fault}`)
    return { name: rule.name, hidden: rule.hidden, value: new Secret(text) }
  })
  return { variables, faults }
}
