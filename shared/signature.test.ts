import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from './secret.ts'
import { equalsAny, revokeKeys, sign, TOLERANCE_SECONDS, verify, webKeys } from './signature.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const T = NOW / 1000
const BODY = '{"id":"call-0001","op":"POST /contain/revoke"}'
const older = new Secret('an-older-secret-of-at-least-32-bytes')
const newer = new Secret('a-newer-secret-of-at-least-32-bytes!')

describe('a signature', () => {
  it('is what one line of openssl computes over the time, a dot and the body', () => {
    const hex = createHmac('sha256', newer.reveal()).update(`${T}.${BODY}`).digest('hex')
    expect(sign(BODY, revokeKeys([newer]), NOW)).toBe(`t=${T},v1=${hex}`)
  })

  it('verifies the signed bytes and returns its time', () => {
    expect(verify(sign(BODY, revokeKeys([newer]), NOW), Buffer.from(BODY), revokeKeys([newer]), NOW)).toEqual({ t: T })
  })

  it('verifies under any key while a secret is rotated', () => {
    const signed = sign(BODY, revokeKeys([older]), NOW)
    expect(verify(signed, BODY, revokeKeys([newer, older]), NOW)).toEqual({ t: T })
    expect(verify(signed, BODY, revokeKeys([newer]), NOW)).toEqual({ fault: 'bad_signature' })
  })

  it('verifies if one of several v1 does', () => {
    const [, right] = sign(BODY, revokeKeys([newer]), NOW).split(',')
    expect(verify(`t=${T},v1=${'0'.repeat(64)},${right}`, BODY, revokeKeys([newer]), NOW)).toEqual({ t: T })
  })

  it.each([
    ['the time', (t: number, v1: string) => `t=${t + 1},${v1}`, BODY],
    ['the body', (t: number, v1: string) => `t=${t},${v1}`, `${BODY} `],
    ['one digit', (t: number, v1: string) => `t=${t},${v1.slice(0, -1)}${v1.endsWith('0') ? '1' : '0'}`, BODY],
  ])('does not survive a change of %s', (_, header, body) => {
    const [, v1 = ''] = sign(BODY, revokeKeys([newer]), NOW).split(',')
    expect(verify(header(T, v1), body, revokeKeys([newer]), NOW)).toEqual({ fault: 'bad_signature' })
  })

  it.each([-1, 1])('is good to the last second of the tolerance and stale after it (%i)', (side) => {
    const signed = sign(BODY, revokeKeys([newer]), NOW)
    const edge = NOW + side * TOLERANCE_SECONDS * 1000
    expect(verify(signed, BODY, revokeKeys([newer]), edge)).toEqual({ t: T })
    expect(verify(signed, BODY, revokeKeys([newer]), edge + side)).toEqual({ fault: 'stale' })
  })

  it('is called stale only if one of our keys made it', () => {
    const signed = sign(BODY, revokeKeys([older]), NOW)
    expect(verify(signed, BODY, revokeKeys([newer]), NOW + 3_600_000)).toEqual({ fault: 'bad_signature' })
  })

  it.each([
    undefined,
    '',
    'garbage',
    `t=${T}`,
    `v1=${'a'.repeat(64)}`,
    `t=${T},t=${T},v1=${'a'.repeat(64)}`,
    `t=-5,v1=${'a'.repeat(64)}`,
    `t=${T},v1=${'A'.repeat(64)}`,
    `t=${T},v1=${'a'.repeat(63)}`,
    `t=${T},v1=${'a'.repeat(64)},${'x'.repeat(2000)}`,
  ])('that cannot be read is malformed: %s', (header) => {
    expect(verify(header, BODY, revokeKeys([newer]), NOW)).toEqual({ fault: 'malformed' })
  })

  it('made for one direction does not verify in the other', () => {
    expect(verify(sign(BODY, webKeys([newer]), NOW), BODY, revokeKeys([newer]), NOW)).toEqual({
      fault: 'bad_signature',
    })
    expect(verify(sign(BODY, revokeKeys([newer]), NOW), BODY, webKeys([newer]), NOW)).toEqual({
      fault: 'bad_signature',
    })
  })
})

describe('a static secret', () => {
  it('equals any of the rotating list, and nothing else', () => {
    expect(equalsAny(older.reveal(), [newer, older])).toBe(true)
    expect(equalsAny(older.reveal(), [newer])).toBe(false)
    expect(equalsAny('', [newer])).toBe(false)
    expect(equalsAny(`${newer.reveal()} `, [newer])).toBe(false)
  })
})
