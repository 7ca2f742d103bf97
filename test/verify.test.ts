import { test } from 'vitest'
import { attacks } from '../attacks/index.ts'
import { expectVerified } from './verified.ts'

test('every attack is contained or prevented on both targets, and no twin causes an alert', {
  timeout: 1_800_000,
}, async () => {
  // verify-silence.test.ts has the other one.
  await expectVerified(attacks.filter(({ slug }) => slug !== 'telemetry-silence'))
})
