import { type Finding, type Level, placeBelow } from './finding.ts'

const COMMANDS: Readonly<Record<Level, string>> = { error: 'error', warning: 'warning', note: 'notice' }

/**
 * One finding as a workflow command, which GitHub Actions shows at the line of the file.
 * @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export function githubAnnotation(finding: Finding): string {
  const { level, file, line, column, rule, monitor, message } = finding
  const place = placeBelow(finding)
  const title = monitor === undefined ? rule : `${monitor}: ${rule}`
  const properties = Object.entries({ file, line, col: column, title }).map(
    ([key, value]) => `${key}=${property(value)}`,
  )
  return `::${COMMANDS[level]} ${properties.join(',')}::${data(place === '' ? message : `${place}: ${message}`)}`
}

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

const property = (value: string | number): string => data(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')
