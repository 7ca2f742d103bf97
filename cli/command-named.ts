import { UsageError, unknownName } from 'alertproof/cli'

/** The command that an argument names. @throws UsageError if it is missing or unknown */
export function commandNamed<Name extends string>(text: string | undefined, commands: readonly Name[]): Name {
  const command = commands.find((each) => each === text)
  if (command !== undefined) return command
  if (text !== undefined) throw new UsageError(unknownName('command', text, commands))
  throw new UsageError(`Missing command: ${commands.slice(0, -1).join(', ')} or ${commands.at(-1)}.`)
}
