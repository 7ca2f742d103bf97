import type { Group } from './scenario.ts'
import { web } from './scenarios/web.ts'

/** Every fault of the table, by the lab in which it is injected. */
export const groups: readonly Group[] = [web]
