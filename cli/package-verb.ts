import type { Command } from 'alertproof/cli'

/** A verb of `alertproof` whose usage shows it as a script of this project. */
export const asNpmScript = (command: Command): Command => ({
  ...command,
  usage: command.usage.replaceAll(`alertproof ${command.name}`, `npm run ${command.name} --`),
})
