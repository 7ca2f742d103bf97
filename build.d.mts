import type { BuildOptions } from 'esbuild'

export function build(): Promise<void>
/** How what runs on Heroku is bundled. */
export const web: Readonly<BuildOptions>
/** How the page of the console is bundled. */
export const page: Readonly<BuildOptions>
