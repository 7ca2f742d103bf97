import { appendFile, writeFile } from 'node:fs/promises'
import { InputError } from '../input-error.ts'
import { unwritableReason } from '../logs/index.ts'
import { printable } from './output.ts'

/** Appends Markdown to a file, as GitHub collects the summary of a job. @throws InputError unless it can be written */
export async function appendSummary(file: string, markdown: string): Promise<void> {
  await appendFile(file, `${markdown.trimEnd()}\n\n`).catch((error: unknown) => refuse(file, error))
}

/** Writes a report to a file that the user named. @throws InputError unless it can be written */
export async function writeReportFile(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => refuse(file, error))
}

function refuse(file: string, error: unknown): never {
  throw new InputError(`${file} cannot be written: ${unwritableReason(error)}`)
}

/** A table in Markdown. Text of logs and monitors is shown as text, whatever is in it. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map((cells) => line(cells.map(markdownText)))].join('\n')
}

/** Text in which nothing is read as Markdown or HTML. */
const markdownText = (text: string): string =>
  printable(text).replace(/[\\`*_{}[\]|~#!@&<>]/g, (character) =>
    '&<>'.includes(character) ? `&#${character.charCodeAt(0)};` : `\\${character}`,
  )
