/** The values of `$NAMES`: Datadog's own and the account's custom variables. */
export interface PayloadValues {
  own: Readonly<Record<string, string>>
  /** For `$TAGS[key]`. */
  tags: readonly string[]
  custom: Readonly<Record<string, string>>
}

/** The payload of a webhook that defines none: integrations/webhooks. */
export const DEFAULT_PAYLOAD = `{
  "body": "$EVENT_MSG",
  "last_updated": "$LAST_UPDATED",
  "event_type": "$EVENT_TYPE",
  "title": "$EVENT_TITLE",
  "date": "$DATE",
  "org": { "id": "$ORG_ID", "name": "$ORG_NAME" },
  "id": "$ID"
}`

const NAME = /\$([A-Z][A-Z0-9_]*)(?:\[([^\]]*)\])?/g

/**
 * Replaces `$NAMES` by their values.
 * Decision `substitution-raw`: values are inserted without JSON escaping. So a quote in a value breaks the JSON, as has been reported
 * of Datadog; a receiver must be able to handle that. Inserted values are not searched for names. A name consists of capitals, digits
 * and underscores; unknown names and `${…}` stay unchanged. Datadog's own names take precedence over custom variables.
 */
export function substitute(text: string, values: PayloadValues): string {
  return text.replace(NAME, (whole, name: string, key: string | undefined) => {
    if (name === 'TAGS' && key !== undefined) return tagValue(values.tags, key)
    const value = lookUp(values.own, name) ?? lookUp(values.custom, name)
    if (value === undefined) return whole
    return key === undefined ? value : `${value}[${key}]`
  })
}

const lookUp = (record: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

const tagValue = (tags: readonly string[], key: string): string =>
  tags.find((tag) => tag.startsWith(`${key}:`))?.slice(key.length + 1) ?? ''
