import type { Scoreboard, Verdict } from './scoreboard.ts'

/** The scoreboard as JUnit XML, one test case per scenario: what CI systems show. @see github.com/testmoapp/junitxml */
export function junit(board: Scoreboard, verdicts: readonly Verdict[]): string {
  const seconds = verdicts.reduce((total, { durationMs }) => total + durationMs, 0) / 1000
  const suite = attributes({
    name: `verify (${board.mode})`,
    timestamp: board.started_at,
    tests: String(verdicts.length),
    failures: String(board.failed),
    errors: '0',
    time: seconds.toFixed(3),
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite ${suite}>
${verdicts.map(testCase).join('\n')}
  </testsuite>
</testsuites>
`
}

function testCase({ scenario, faults, durationMs }: Verdict): string {
  const { slug, target } = scenario
  const head = attributes({ classname: `verify.${target}`, name: slug, time: (durationMs / 1000).toFixed(3) })
  const told = `<system-out>${escapeXml(JSON.stringify(scenario))}</system-out>`
  if (faults.length === 0) return `    <testcase ${head}>${told}</testcase>`
  const failure = `<failure ${attributes({ message: faults[0] ?? '' })}>${escapeXml(faults.join('\n'))}</failure>`
  return `    <testcase ${head}>${failure}${told}</testcase>`
}

const attributes = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}="${escapeXml(value)}"`)
    .join(' ')

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** XML 1.0 has no way to write most control characters, nor half a surrogate pair: they become U+FFFD. @see XML 1.0, 2.2 */
const escapeXml = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are meant
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
    .replace(/[\t\n\r]/g, (space) => `&#${space.charCodeAt(0)};`)
