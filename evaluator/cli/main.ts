#!/usr/bin/env node
import { runProgram } from './program.ts'
import { verbs } from './verbs.ts'

await runProgram(
  {
    usage: 'Usage: alertproof <command> [<arguments>]',
    verbs,
    typed: (verb) => `alertproof ${verb}`,
    help: (verb) => (verb === undefined ? 'alertproof --help' : `alertproof ${verb} --help`),
  },
  process.argv.slice(2),
)
