/** The values behind `$NAMES`: Datadog's own and the account's custom variables. */
export interface PayloadValues {
  own: Readonly<Record<string, string>>
  /** For `$TAGS[key]`. */
  tags: readonly string[]
  custom: Readonly<Record<string, string>>
}

/** What is sent when a webhook has no payload of its own: documentation, integrations/webhooks. */
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
 * Decision `substitution-raw`: values stand as they are, without JSON escaping: a quote in a value breaks the JSON, which is the
 * behaviour reported of Datadog and the one a receiver must survive. One pass: a value is never searched for names again.
 * A name ends where capitals, digits and underscores end; unknown names and `${…}` stay as they are; on a clash Datadog's
 * own name wins over a custom variable.
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
