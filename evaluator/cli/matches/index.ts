/** What `search` makes of its matches: lines, JSON, a table, counts. */
export { type Column, readColumns, summary } from './columns.ts'
export { countsOf } from './counts.ts'
export { LogSearch } from './log-search.ts'
export { type DatedLog, jsonLines, type Printer, rawLines } from './printer.ts'
export { tableOf } from './table.ts'
export { readTime } from './times.ts'
