/** Why a monitor or a rule did or did not fire: facts, a page, and a chart. */
export type { ExplainOptions } from './evaluations.ts'
export { type Explained, explainFrom } from './explain.ts'
export type { Explanation } from './explanation.ts'
export { type EventChoice, type Question, QuestionError } from './question.ts'
export {
  type ExplainedRule,
  type ExplainRuleOptions,
  explainRuleFrom,
  type RuleExplanation,
  ruleHeadlineOf,
  rulePageOf,
  ruleSvgOf,
} from './rule/index.ts'
export { sourceOfInput, sourceOfLogs } from './source.ts'
export { type Drawn, svgOf } from './svg.ts'
export { headlineOf, type Line, pageOf } from './text.ts'
