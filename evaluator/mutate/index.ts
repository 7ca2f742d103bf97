/** Mutants: monitors with one slip each, and whether anybody would notice. */
export { equivalentOf } from './equivalent.ts'
export { readEquivalents } from './equivalents-file.ts'
export { type Attributes, type Mutant, mutantsOf, printQuery } from './mutants.ts'
export { type Equivalents, type MutantVerdict, mutate, type Tested, testedBy } from './mutation.ts'
