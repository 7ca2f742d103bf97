export { FORMATS, type SqlFormat } from './columns.ts'
export type { Refusal } from './evaluated.ts'
export { DIALECTS, type Dialect, type Sql, type SqlOptions, sqlOf } from './sql.ts'
