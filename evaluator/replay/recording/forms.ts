/** The forms that a recording may have, each with what it is. `jsonl`, the form of an application's own events, is the first. */
export const FORMS = {
  jsonl: 'one JSON event per line',
  export: 'pages of the API, records or archives of Datadog',
  csv: 'the CSV that the Log Explorer exports',
  logplex: 'bodies of a Heroku drain',
  syslog: 'lines of syslog, RFC 3164 or 5424',
  cloudtrail: 'AWS CloudTrail',
  okta: 'the system log of Okta',
  elastic: 'Elasticsearch: hits, bulk lines, documents of the Elastic Common Schema',
  pino: 'lines of pino',
  bunyan: 'lines of bunyan',
  zap: 'lines of zap',
  slog: 'lines of slog',
  logrus: 'lines of logrus',
  cloudwatch: 'events of CloudWatch Logs, of a subscription or as `aws logs` prints them',
  'cloudwatch-export': 'lines that begin with their time, as CloudWatch Logs exports them',
  insights: 'the result of a query of CloudWatch Logs Insights, as `aws logs get-query-results` prints it',
  docker: "lines of Docker's json-file",
  cri: 'lines of a container runtime: TIME stdout F …',
  compose: 'lines of `docker compose logs` or `kubectl logs --prefix`, each behind the name of its container',
} as const

export type RecordingForm = keyof typeof FORMS
export const RECORDING_FORMS = Object.keys(FORMS) as readonly RecordingForm[]

/** Forms of JSON records that neither Datadog nor an application for Datadog wrote. */
export const FOREIGN_FORMS = ['cloudtrail', 'okta', 'elastic', 'pino', 'bunyan', 'zap', 'slog', 'logrus'] as const
export type ForeignForm = (typeof FOREIGN_FORMS)[number]

/** Lines with another line inside. */
export const WRAPPED_FORMS = ['docker', 'cri', 'cloudwatch-export', 'compose'] as const
export type WrappedForm = (typeof WRAPPED_FORMS)[number]

/** The keys of the records in a document: of a page of Datadog's API, v2 and v1; of a file of CloudTrail; of a search of Elastic; of CloudWatch. */
export const PAGE_KEYS: Readonly<Partial<Record<RecordingForm, readonly string[]>>> = {
  export: ['data', 'logs'],
  cloudtrail: ['Records'],
  elastic: ['hits.hits'],
  cloudwatch: ['logEvents', 'events'],
}
