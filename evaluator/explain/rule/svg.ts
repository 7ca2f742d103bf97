import { ALERT, INK, VALUE } from '../../svg-colors.ts'
import { escaped, titleText } from '../../svg-text.ts'
import { HEIGHT, LEFT, marksOf, Plot, svgDocument } from '../svg.ts'
import type { RuleExplanation } from './explanation.ts'
import { chartedOf, limitOf, ruleHeadlineOf } from './text.ts'

/** A chart of what each query of a rule counts, one below the other, as one SVG that needs no other file; undefined if no event counts. */
export function ruleSvgOf(explanation: RuleExplanation): string | undefined {
  const { group, event } = explanation
  if (!group) return undefined
  const headline = ruleHeadlineOf(explanation)
  const panels = group.values.map((values, i) => {
    const limit = limitOf(values)
    const charted = chartedOf(group, values)
    const plot = new Plot(limit ? [limit.critical] : [], charted)
    const title = i === 0 ? `${headline} ${values.query}` : values.query
    const parts = [
      `<text x="${LEFT}" y="20" fill="${INK}" font-weight="bold">${titleText(title)}</text>`,
      plot.axes(),
      limit ? plot.level(limit.critical, ALERT, `${limit.operator} ${limit.critical}`) : '',
      plot.steps(charted.evaluations, `stroke="${VALUE}" stroke-width="2"`),
      plot.marks(marksOf(charted, event?.asked ? event.at : undefined)),
      plot.legend(escaped(`what ${values.query} counts`), ''),
    ]
    return `<g transform="translate(0 ${i * HEIGHT})">\n${parts.filter((part) => part !== '').join('\n')}\n</g>`
  })
  return svgDocument(headline, HEIGHT * panels.length, panels)
}
