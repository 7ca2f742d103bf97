import type { BuildOptions } from 'esbuild'

export function build(): Promise<void>
/** How what runs on Heroku is bundled. */
export const web: Readonly<BuildOptions>
