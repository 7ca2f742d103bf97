import { EstateError, loadEstate } from '../../estate/index.ts'
import { DATADOG_CADENCE_SECONDS } from '../../replay/index.ts'
import { DIALECTS, FORMATS, type Refusal, sqlOf } from '../../sql/index.ts'
import { type Command, type Io, readArguments, UsageError, wholeNumber } from '../command.ts'
import { json, printable } from '../output.ts'
import { reportEstate } from '../replay-report.ts'

const USAGE = `Usage: alertproof sql --dialect duckdb --detections PATH --from FILES [<options>]

Prints the SQL that computes the changes that \`alertproof replay\` prints, each minute, over a lake of files: run it on the engine
that reads the lake. Its answer has the columns monitor, transition, group, at and value; with rules of Cloud SIEM, which are
evaluated at each event, severity as well. Nothing is read but the monitors and rules.

Options:
  --dialect NAME      ${DIALECTS.join(', ')}
  --detections PATH   monitors and rules: a folder or a file, as \`replay\` reads them. May be repeated
  --from FILES        the logs, in quotes: files of JSON lines, packed or not ('logs/**/*.json.gz'), Parquet files ('*.parquet'),
                      or the name of a table or view. May be repeated for files
  --format FORM       ${FORMATS.join(' or ')}: events that an application wrote, or records of Datadog's archives (default: each
                      line is one or the other)
  --time-field PATH   the attribute with the time of a log (default: the keys that Datadog looks at)
  --cadence SECONDS   evaluate at this interval (default ${DATADOG_CADENCE_SECONDS}, as Datadog does); ten times as long for a window of a day, thirty
                      times for two days
  --silence           treat the time after the newest event as silence, so that monitors for missing data may alert
  --unread            print the query that counts the lines instead, and those that are logs with a date
  --json              print one JSON document: {dialect, sql, monitors, refused}
  --help              this text

Exit code: 0 if all monitors are in the SQL, 1 if one of them cannot be said in SQL (it is named on stderr with the reason), 2 if
an option is unusable, 3 if a file cannot be read or no monitor can be evaluated.

Examples:
  alertproof sql --dialect duckdb --detections monitors/ --from 'archive/**/*.json.gz' > alerts.sql
  duckdb -jsonlines -f alerts.sql
`

export const command: Command = {
  name: 'sql',
  summary: 'print the SQL that computes the alerts of monitors over a lake',
  usage: USAGE,
  run,
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values } = readArguments({
    args: [...argv],
    options: {
      dialect: { type: 'string' },
      detections: { type: 'string', multiple: true },
      from: { type: 'string', multiple: true },
      format: { type: 'string' },
      'time-field': { type: 'string' },
      cadence: { type: 'string' },
      silence: { type: 'boolean', default: false },
      unread: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const dialect = oneOf('--dialect', values.dialect, DIALECTS)
  const { from = [], detections } = values
  if (detections === undefined) throw new UsageError('Missing --detections PATH: a folder or a file with monitors.')
  if (from.length === 0) throw new UsageError("Missing --from FILES: the logs, as in --from 'logs/**/*.json.gz'.")
  const options = {
    from,
    format: values.format === undefined ? undefined : oneOf('--format', values.format, FORMATS),
    timeField: values['time-field'],
    cadenceSeconds: values.cadence === undefined ? undefined : wholeNumber('--cadence', values.cadence, 1, 999_999),
    silenceAfterEnd: values.silence,
  }
  const estate = await loadEstate(detections)
  reportEstate(estate, io)
  const { monitors, rules } = estate
  if (monitors.length + rules.length === 0)
    throw new EstateError(`${detections.join(', ')}: holds no monitor that can be evaluated`)
  const { sql, unread, monitors: said, refused } = sqlOf([...monitors, ...rules], options)
  for (const refusal of refused) io.err(`${printable(refusalText(refusal))}\n`)
  const printed = values.unread ? unread : sql
  if (values.json) json(io, { dialect, sql: printed, monitors: said, refused })
  else io.out(printed)
  return refused.length === 0 ? 0 : 1
}

const refusalText = ({ monitor, reason }: Refusal): string => `not in the SQL: ${monitor}: ${reason}`

function oneOf<T extends string>(option: string, given: string | undefined, known: readonly T[]): T {
  const found = known.find((each) => each === given)
  if (found !== undefined) return found
  if (given === undefined) throw new UsageError(`Missing ${option}: ${known.join(', ')}.`)
  throw new UsageError(`${option} ${given}: must be one of ${known.join(', ')}`)
}
