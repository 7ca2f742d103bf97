import fc from 'fast-check'

/**
 * Properties are tried with the same values in every run, so that a change is only ever failed for what it did.
 * `PROPERTY_SEED=random` looks further; a number, as a failure prints it, looks at that again.
 */
const { PROPERTY_SEED = '20260105' } = process.env

if (PROPERTY_SEED !== 'random') fc.configureGlobal({ seed: Number(PROPERTY_SEED) })
