/** The command line of `alertproof`, and what another program needs to give its own verbs the same form. */

export { InputError } from '../input-error.ts'
export { reasonOf } from '../logs/index.ts'
export { type Command, type Io, readArguments, similarName, UsageError, unknownName, wholeNumber } from './command.ts'
export { type Html, html, table as htmlTable } from './html/html.ts'
export { page as htmlPage } from './html/page.ts'
export { storySection } from './html/story.ts'
export { type JunitCase, junitXml } from './junit.ts'
export { type DatedLog, LogSearch, readTime } from './matches/index.ts'
export { columns, counted, duration, json, paint, printable, type Tone, wrapped } from './output.ts'
export { runProgram } from './program.ts'
export { runCaptured } from './testing.ts'
export { endsWithOutput, type Verbs, verbs } from './verbs.ts'
