import type { Bug } from './world.ts'

export const bugs: Readonly<Record<string, Bug>> = {}
