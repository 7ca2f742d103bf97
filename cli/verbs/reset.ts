import { relative, resolve } from 'node:path'
import { type Command, readArguments } from 'alertproof/cli'
import { readRunFile } from '../../lab/start/run-file.ts'
import { removeLab, removePostgresCopy } from '../../lab/stores/remove.ts'

const USAGE = `Usage: npm run lab:reset [-- <options>]

Deletes the accounts, ledgers, logs and secrets of the lab, and PostgreSQL's files in the temporary folder. Refuses while
a lab runs.

Options:
  --dir DIR  the lab's directory (default .lab)
  --help     this text
`

export const command: Command = {
  name: 'reset',
  summary: "delete the lab's data, logs and secrets",
  usage: USAGE,
  async run(argv, io) {
    const { values } = readArguments({ args: [...argv], options: { dir: { type: 'string' } } })
    const dir = resolve(values.dir ?? '.lab')
    const running = await readRunFile(dir)
    if (running) {
      io.err(`A lab runs in this directory as process ${running.pid}. Stop it first: kill ${running.pid}\n`)
      return 1
    }
    await removeLab(dir)
    // All labs of the project share the programs, and one in another directory may be running.
    if (values.dir === undefined) await removePostgresCopy()
    io.err(`${relative('.', dir) || dir} is deleted: the next start creates new secrets and an empty database.\n`)
    return 0
  },
}
