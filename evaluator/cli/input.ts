import { readFile } from 'node:fs/promises'
import { InputError } from '../input-error.ts'
import { type Pipeline, readPipeline, urlFields } from '../intake/index.ts'
import { LogInput, type LogOptions, reasonOf } from '../logs/index.ts'
import { RECORDING_FORMS, type Reading, type RecordingForm } from '../replay/index.ts'
import { type Io, UsageError } from './command.ts'
import { printable } from './output.ts'

/** The options of every verb that reads logs, for `readArguments`. */
export const LOG_OPTIONS = {
  format: { type: 'string' },
  drain: { type: 'string' },
  'time-field': { type: 'string' },
  pipeline: { type: 'string', multiple: true },
} as const

/** Their lines in the usage of a verb. */
export const LOG_OPTIONS_USAGE = `\
  --format FORM       ${RECORDING_FORMS.slice(0, 8).join(', ')},
                      ${RECORDING_FORMS.slice(8, 14).join(', ')},
                      ${RECORDING_FORMS.slice(14).join(', ')} (default: detected from the first bytes of each file)
  --time-field PATH   the attribute with the time of a log (default: the keys that Datadog looks at)
  --pipeline FILE     process raw logs by this Datadog pipeline, as \`GET /api/v1/logs/config/pipelines/ID\` gives it.
                      May be repeated
  --drain QUERY       query of the Logplex drain's URL, e.g. 'service=shop&ddsource=heroku&ddtags=env:prod'
`

export interface LogValues {
  readonly format?: string | undefined
  readonly drain?: string | undefined
  readonly 'time-field'?: string | undefined
  readonly pipeline?: string[] | undefined
}

/**
 * The logs that the arguments of a verb name: files, folders, `-` for standard input.
 * @param more `keep` if they may be read more than once, as they are to be sorted
 * @throws UsageError for a form that is not known
 * @throws InputError for a path or a pipeline that cannot be read
 */
export async function openLogs(
  paths: readonly string[],
  values: LogValues,
  io: Io,
  more: Pick<LogOptions, 'keep' | 'passOver'> & Pick<Reading, 'undated'> = {},
): Promise<LogInput> {
  const form = values.format === undefined ? undefined : readForm(values.format)
  const reading = {
    drain: values.drain === undefined ? undefined : urlFields(new URLSearchParams(values.drain)),
    timeField: values['time-field'],
    pipelines: await readPipelines(values.pipeline ?? []),
    undated: more.undated ?? false,
  }
  const { keep = false, passOver = false } = more
  return LogInput.of(paths, { form, reading, keep, passOver, say: (text) => io.err(`${printable(text)}\n`) })
}

/** @throws UsageError for an unknown form */
function readForm(name: string): RecordingForm {
  const form = RECORDING_FORMS.find((each) => each === name)
  if (!form) throw new UsageError(`--format ${name}: must be one of ${RECORDING_FORMS.join(', ')}`)
  return form
}

/** @throws InputError with every fault of a pipeline */
async function readPipelines(files: readonly string[]): Promise<Pipeline[]> {
  return Promise.all(
    files.map(async (file) => {
      try {
        return readPipeline(await readFile(file, 'utf8'), file)
      } catch (error) {
        const isRead = !(error instanceof Error && 'code' in error)
        throw new InputError(isRead ? reasonOf(error) : `${file} cannot be read: ${reasonOf(error)}`)
      }
    }),
  )
}
