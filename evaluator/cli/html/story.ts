import { reasonText } from '../../explain/reason-text.ts'
import { type RuleExplanation, ruleHeadlineOf, ruleSvgOf } from '../../explain/rule/index.ts'
import { ruleReasonText } from '../../explain/rule/reason-text.ts'
import { type Drawn, svgOf } from '../../explain/svg.ts'
import { costsOf, headlineOf, storyOf } from '../../explain/text.ts'
import { chart, type Html, html } from './html.ts'

/** What became of one group of a rule: why a signal opened, and what each of its queries counted. */
export function ruleStorySection(explanation: RuleExplanation, time: (at: string) => string): Html {
  const headline = ruleHeadlineOf(explanation)
  const svg = ruleSvgOf(explanation)
  return html`
<h3>${headline}</h3>
${ruleReasonText(explanation, time).map((text) => html`<p>${text}</p>\n`)}${svg !== undefined && chart(svg, `Values over time: ${headline}`)}
`
}

/** What became of one group: why it did or did not fire, its value against the threshold, and what happened. */
export function storySection(story: Drawn, time: (at: string) => string): Html {
  const { group, monitor } = story
  if (!group) return html``
  const headline = headlineOf(story)
  const svg = svgOf(story)
  const { lines, more } = storyOf(story, group, time)
  const costs = costsOf(group, monitor)
  return html`
<h3>${headline}</h3>
${reasonText(story, time).map((text) => html`<p>${text}</p>\n`)}${svg !== undefined && chart(svg, `Value over time: ${headline}`)}
${lines.length > 0 && html`<ol class="story">\n${lines.map(({ at, text }) => html`<li><time datetime="${at}">${time(at)}</time><span>${text}</span></li>\n`)}</ol>`}
${more > 0 && html`<p class="muted">and ${more} more moments</p>`}
${costs && html`<p>${costs.total}:</p>\n<ul>${costs.each.map((cost) => html`<li>${cost.time} ${cost.cause}</li>\n`)}</ul>`}
`
}
