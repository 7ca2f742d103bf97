import { counted, duration, type Html, html, htmlPage, htmlTable, storySection } from 'alertproof/cli'
import type { Scenario, Scoreboard, Verdict } from '../../proof/verify/scoreboard.ts'
import { attackNamed } from './arguments.ts'
import type { Drawings } from './drawing.ts'
import type { NarratedLine, Narration } from './narration.ts'
import { HEAD, row, timesLine } from './table.ts'

/** What the report of verify shows. */
export interface VerifyReport {
  readonly board: Scoreboard
  readonly verdicts: readonly Verdict[]
  /** When monitors were evaluated, in words. */
  readonly evaluation: string
  readonly seed: number
  readonly narration: Narration
  readonly drawings: Drawings
}

/** The scoreboard and the story of each scenario, as one page of HTML that needs no other file. */
export function htmlReport(report: VerifyReport): string {
  const { board, verdicts, evaluation, seed } = report
  const all = board.scenarios.length
  const rows = board.scenarios.map((scenario, i) => {
    const [slug = '', target = '', ...cells] = row(scenario, { color: false })
    const result = cells.pop() ?? ''
    return [html`<a href="#s${i}">${slug}</a>`, target, mark(scenario.ok, result), ...cells]
  })
  return htmlPage(
    `Verify: ${board.passed} of ${all} hold`,
    html`<dl>
<dt>Run</dt><dd>${board.run_id}, seed ${seed}</dd>
<dt>Started</dt><dd>${board.started_at}</dd>
<dt>Monitors</dt><dd>evaluated ${evaluation}</dd>
</dl>
${timesLine(board.mode, evaluation).map((text) => html`<p>${text}</p>\n`)}
${htmlTable('Scoreboard', [...HEAD.slice(0, 2), 'result', ...HEAD.slice(2, -1)], rows)}
${verdicts.map((verdict, i) => section(verdict, i, report))}`,
  )
}

const mark = (ok: boolean, text: string): Html => html`<span class="${ok ? 'good' : 'bad'}">${text}</span>`

function section({ scenario, faults }: Verdict, i: number, { narration, drawings }: VerifyReport): Html {
  const attack = attackNamed(scenario.slug)
  const name = `${scenario.slug} on ${scenario.target}`
  const drawing = drawings.get(scenario)
  return html`
<h2 id="s${i}">${name}: ${mark(scenario.ok, scenario.ok ? 'holds' : 'does not hold')}</h2>
<p>${attack.title} (${attack.techniques.map(({ id, name }) => `${id} ${name}`).join(', ')})</p>
<p>${attack.does}</p>
${faults.length > 0 && html`<ul>\n${faults.map((fault) => html`<li class="bad">${fault}</li>\n`)}</ul>`}
${htmlTable(`Checks of ${name}`, ['check', 'result', 'seen'], checks(scenario))}
<h3>What happened</h3>
${story(narration.of(name))}
${drawing && storySection(drawing, (at) => at.slice(11, 23))}
<h3>The benign twin: ${attack.twin.title}</h3>
<p>${attack.twin.does}</p>
${story(narration.of(`${name}, twin`))}
`
}

const story = (lines: readonly NarratedLine[]): Html => html`<ol class="story">
${lines.map(({ text, afterMs }) => html`<li><span class="who">${afterMs === undefined ? '' : duration(afterMs)}</span><span>${text}</span></li>\n`)}</ol>`

type Check = readonly [check: string, holds: Html, seen: string]

/** The checks that decide the verdict, with what was seen. */
function checks({ ends, alert, signal, containment, benign }: Scenario): Check[] {
  const check = (text: string, holds: boolean, seen: string): Check => [text, mark(holds, holds ? 'yes' : 'no'), seen]
  const { contain_ms, attacker_dead, entered, still_in, locked_out, to_restore } = containment
  const after = (ms: number | null) => (ms === null ? 'never' : `after ${duration(ms)}`)
  const accounts = (count: number) => counted(count, 'account')
  const refused = check('the attacker is refused', contain_ms !== null, after(contain_ms))
  const seen: Check[] =
    ends === 'prevented'
      ? []
      : [
          check('the alert fired', alert.fired, alertText(alert, after)),
          ...(signal ? [check('the signal opened', signal.fired, `${signal.rule}, ${after(signal.detect_ms)}`)] : []),
          check('it was contained', containment.done, containment.action ?? 'by nobody'),
        ]
  const isOut = attacker_dead ?? false
  return [
    ...seen,
    ...(attacker_dead === null ? [] : [refused]),
    attacker_dead === null
      ? [
          'the attacker is out',
          html`<span>not asked</span>`,
          `the policy notifies a person; still in ${still_in} of ${entered}`,
        ]
      : check('the attacker is out', isOut, `entered ${accounts(entered)}, still in ${still_in}`),
    check('nobody honest is locked out', locked_out === 0, accounts(locked_out) + restoreText(to_restore)),
    check(
      'the twin raised no alert',
      benign.alerts === 0 && benign.events > 0,
      `${counted(benign.events, 'event')}, ${counted(benign.alerts, 'alert')}`,
    ),
  ]
}

const restoreText = (count: number): string => (count === 0 ? '' : `; ${count} to be restored by a person`)

function alertText({ monitor, group, detect_ms }: Scenario['alert'], after: (ms: number | null) => string): string {
  if (monitor === null) return 'none'
  const scope = Object.entries(group ?? {}).map(([facet, value]) => ` ${facet}:${value}`)
  return `${monitor}${scope.join('')}, ${after(detect_ms)}`
}
