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
  pino: 'lines of pino, or of another logger that writes time, level and msg',
  bunyan: 'lines of bunyan',
} as const

export type RecordingForm = keyof typeof FORMS
export const RECORDING_FORMS = Object.keys(FORMS) as readonly RecordingForm[]

/** Forms of JSON records that neither Datadog nor an application for Datadog wrote. */
export const FOREIGN_FORMS = ['cloudtrail', 'okta', 'elastic', 'pino', 'bunyan'] as const
export type ForeignForm = (typeof FOREIGN_FORMS)[number]

/** The keys of the records in a document: of a page of Datadog's API, v2 and v1; of a file of CloudTrail; of a search of Elastic. */
export const PAGE_KEYS: Readonly<Partial<Record<RecordingForm, readonly string[]>>> = {
  export: ['data', 'logs'],
  cloudtrail: ['Records'],
  elastic: ['hits.hits'],
}
