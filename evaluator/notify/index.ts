/** Notifications of a monitor: messages, payloads and webhooks. */
export type { Alert, Delivery, SignalReport } from './alert.ts'
export { comparisonText, measuredText } from './comparison.ts'
export { groupTagsOf, type Notification, notifierFor } from './notification.ts'
export { type PayloadValues, substitute } from './payload.ts'
export { type SignalNotification, signalNotifierFor } from './signal-notification.ts'
export { recipientsOf } from './template.ts'
export { parseTemplate, TemplateError } from './template-parser.ts'
export { parseWebhook, type RenderedRequest, renderRequest, type Webhook } from './webhook.ts'
