import { isAbsolute, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Finding, placeBelow } from './finding.ts'
import { rules } from './rules.ts'

/**
 * Findings as a SARIF log, which GitHub and other hosts show beside the code.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function sarifLog(findings: readonly Finding[]): object {
  const used = rules.filter(({ id }) => findings.some(({ rule }) => rule === id))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'alertproof',
            rules: used.map(({ id, level, description }) => ({
              id,
              shortDescription: { text: description },
              defaultConfiguration: { level },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => ({
          ruleId: finding.rule,
          ruleIndex: used.findIndex(({ id }) => id === finding.rule),
          level: finding.level,
          message: { text: textOf(finding) },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(finding.file) },
                region: { startLine: finding.line, startColumn: finding.column },
              },
              logicalLocations: [{ fullyQualifiedName: finding.place === '' ? finding.file : finding.place }],
            },
          ],
        })),
      },
    ],
  }
}

const textOf = (finding: Finding): string =>
  [finding.monitor, placeBelow(finding), finding.message].filter((part) => part !== undefined && part !== '').join(': ')

/** Relative to the folder in which the check ran, as hosts expect it. */
const uriOf = (file: string): string =>
  isAbsolute(file) ? pathToFileURL(file).href : file.split(sep).map(encodeURIComponent).join('/')
