/** Why a rule of Cloud SIEM did or did not fire. */
export { type ExplainedRule, type ExplainRuleOptions, explainRuleFrom } from './explain.ts'
export type { RuleExplanation } from './explanation.ts'
export { ruleSvgOf } from './svg.ts'
export { ruleHeadlineOf, rulePageOf } from './text.ts'
