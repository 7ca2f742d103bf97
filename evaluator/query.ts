/** The parts of a monitor’s query, for whoever changes it. */
export { isRecord } from './json.ts'
export {
  type Facet,
  type MonitorQuery,
  type Operator,
  parseMonitorQuery,
  type Rollup,
} from './monitor/monitor-query.ts'
export { facetText, visitField } from './search/field.ts'
export { type Field, printSearch, type SearchNode, type Target, type Value } from './search/search-ast.ts'
