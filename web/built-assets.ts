import { readFileSync } from 'node:fs'
import * as z from 'zod'

const Path = z
  .string()
  .regex(/^[a-z]+-[A-Z0-9]{8}\.(js|css)$/)
  .transform((name) => `/assets/${name}`)
const Built = z.object({
  version: z.string().min(1),
  files: z.object({ style: Path, device: Path, pending: Path, confirm: Path, watch: Path, rum: Path }),
})

/** The scripts and the style of the pages, as `build.mjs` built them. */
export interface BuiltAssets {
  /** The folder of the files. */
  folder: URL
  /** The version of the service. */
  version: string
  /** Their paths on this host. A name changes with its content. */
  files: z.infer<typeof Built>['files']
}

/** @param folder `assets.json` beside it names the files @throws if they are not built */
export function readAssets(folder: URL): BuiltAssets {
  return { folder, ...Built.parse(JSON.parse(readFileSync(new URL('../assets.json', folder), 'utf8'))) }
}
