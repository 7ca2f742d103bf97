/** Rules of Cloud SIEM: reads them in every form that people keep them in, and evaluates them. */
export { ConditionError, parseCondition } from './condition.ts'
export { loadRules, readImportableRule } from './importable.ts'
export type { RuleReading, Severity, SiemRule } from './rule.ts'
export { SEVERITIES } from './rule.ts'
export { RuleEvaluator, type RuleEvaluatorOptions } from './rule-evaluator.ts'
export type { RuleObserver, RulePass } from './rule-observer.ts'
export { readRuleJson } from './rule-reading.ts'
export type { SignalChange } from './signal.ts'
