import { test } from 'vitest'
import { attacks } from '../attacks/index.ts'
import { expectVerified } from './verified.ts'

// It waits for minutes in which nothing else may run in its lab. In a lab of its own it runs beside the other attacks.
test('a silence of the logs raises an alert, and a short interruption raises none', {
  timeout: 1_800_000,
}, async () => {
  await expectVerified(attacks.filter(({ slug }) => slug === 'telemetry-silence'))
})
