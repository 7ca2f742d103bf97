import { verbs } from 'alertproof/cli'
import { asNpmScript } from '../package-verb.ts'

const { command: search } = await verbs.search()

export const command = asNpmScript(search)
