/** One test case of a JUnit report. */
export interface JunitCase {
  readonly classname: string
  readonly name: string
  readonly seconds: number
  /** All faults; the first is shown as the message. */
  readonly faults?: readonly string[]
  /** The reason for skipping it. */
  readonly skipped?: string | undefined
  readonly out?: string
}

export interface JunitSuite {
  readonly name: string
  /** ISO 8601. */
  readonly timestamp: string
  /** The duration of the suite, if it is not the sum of its cases. */
  readonly seconds?: number
  readonly cases: readonly JunitCase[]
}

/** One suite as JUnit XML, which CI systems display. @see github.com/testmoapp/junitxml */
export function junitXml({ name, timestamp, seconds: whole, cases }: JunitSuite): string {
  const skipped = cases.filter((each) => each.skipped !== undefined).length
  const suite = attributes({
    name,
    timestamp,
    tests: String(cases.length),
    failures: String(cases.filter(({ faults }) => faults && faults.length > 0).length),
    errors: '0',
    ...(skipped > 0 ? { skipped: String(skipped) } : {}),
    time: (whole ?? cases.reduce((total, { seconds }) => total + seconds, 0)).toFixed(3),
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite ${suite}>
${cases.map(testCase).join('\n')}
  </testsuite>
</testsuites>
`
}

function testCase({ classname, name, seconds, faults = [], skipped, out }: JunitCase): string {
  const parts = [
    faults.length > 0
      ? `<failure ${attributes({ message: faults[0] ?? '' })}>${escapeXml(faults.join('\n'))}</failure>`
      : '',
    skipped === undefined ? '' : `<skipped ${attributes({ message: skipped })}/>`,
    out === undefined ? '' : `<system-out>${escapeXml(out)}</system-out>`,
  ]
  return `    <testcase ${attributes({ classname, name, time: seconds.toFixed(3) })}>${parts.join('')}</testcase>`
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

/** XML 1.0 cannot represent most control characters or a lone surrogate: they become U+FFFD. @see XML 1.0, 2.2 */
const escapeXml = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must be replaced
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
    .replace(/[\t\n\r]/g, (space) => `&#${space.charCodeAt(0)};`)
