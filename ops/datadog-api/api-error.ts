import { ApiException } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/exception.js'
import { isJson } from './json.ts'

/** A call that Datadog refused or did not answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** Absent when no answer came. */
  readonly status: number | undefined

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** The permissions that an application key with scopes needs. @see Datadog documentation, account_management/rbac/permissions */
const PERMISSIONS =
  'monitors_read, monitors_write, logs_read_data, logs_read_config, logs_write_pipelines, dashboards_read, dashboards_write, integrations_read, manage_integrations, security_monitoring_rules_read, security_monitoring_rules_write'

/**
 * @param what the call does, as in "Could not list monitors"
 * @returns an ApiError with the reason and the remedy; an error that is not about the call as it is
 */
export function explain(error: unknown, what: string, url: string): unknown {
  if (!(error instanceof ApiException)) {
    if (!(error instanceof Error) || error.name === 'AbortError') return error
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
    const isUnreachable = error.name === 'TypeError' || error.name === 'TimeoutError'
    return isUnreachable
      ? new ApiError(`Could not ${what}: no answer from ${url}${cause}`, undefined, { cause: error })
      : error
  }
  const reasons = messagesOf(error.body)
  const why =
    error.code === 401 || error.code === 403
      ? `Datadog refused the keys (${error.code}${reasons}). DD_API_KEY and DD_APP_KEY must belong to the account at ${url}, and the application key needs: ${PERMISSIONS}.`
      : error.code === 429
        ? `Datadog limits the rate of requests (429${reasons}). Run it again in a few minutes.`
        : `Datadog answered ${error.code}${reasons}.`
  return new ApiError(`Could not ${what}: ${why}`, error.code, { cause: error })
}

function messagesOf(body: unknown): string {
  const errors = isJson(body) ? body.errors : undefined
  const text = Array.isArray(errors) ? errors.map(String).join('; ') : typeof body === 'string' ? body : ''
  return text === '' ? '' : `: ${text.replace(/\s+/g, ' ').slice(0, 500)}`
}
