import { readFileSync } from 'node:fs'

/** Each is one way in which a containment, or a defence that prevents an attack, can fail to do what it says. */
export const FAULTS = [
  'revoke ends nothing',
  'web lets in who was ended',
  'functions lets in who was ended',
  'renewal revives',
  'one session of the user is left out',
  'block misses one sign-in',
  'block leaves who is in',
  'block hits everybody',
  'step-up is taken for granted',
  'change of factor ends nothing',
  'throttle is not asked',
  'cap counts sessions',
] as const
export type Fault = (typeof FAULTS)[number]

/** Which fault there is now, if any: a test writes its name into the file, and the apps go on running. */
export const hasFault = (fault: Fault): boolean => readFileSync(String(process.env.FAULT_FILE), 'utf8') === fault
