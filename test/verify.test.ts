import { describe, test } from 'vitest'
import { attacks } from '../attacks/index.ts'
import { expectVerified } from './verified.ts'

/** Waits for minutes in which nothing else may run in its lab, so it gets a lab of its own beside the other attacks. */
const SILENCE = 'telemetry-silence'

describe.concurrent('npm run verify', { timeout: 1_800_000 }, () => {
  test('every attack is contained or prevented on both targets, and no twin causes an alert', async () => {
    await expectVerified(attacks.filter(({ slug }) => slug !== SILENCE))
  })

  test('a silence of the logs raises an alert, and a short interruption raises none', async () => {
    await expectVerified(attacks.filter(({ slug }) => slug === SILENCE))
  })
})
