import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../secret.ts'
import {
  deviceTokenKeys,
  findDeviceToken,
  joinTokens,
  MAX_TOKENS,
  newDeviceId,
  tokensIn,
  withDeviceToken,
  writeDeviceToken,
} from './device-token.ts'

const [older, newer] = ['a key for devices, long enough for one', 'another key for devices, long enough'].map(
  (text) => new Secret(text),
) as [Secret, Secret]
const keys = deviceTokenKeys([older])
const device = () => ({ userId: randomUUID(), id: newDeviceId() })
const token = (of = device()) => writeDeviceToken(of, keys)

describe('a device token', () => {
  it('is found among those of a browser by its account alone', () => {
    const mine = device()
    const held = joinTokens([token(), writeDeviceToken(mine, keys), token()])
    expect(findDeviceToken(held, mine.userId, keys)).toEqual(mine)
    expect(findDeviceToken(held, randomUUID(), keys)).toBeUndefined()
    expect(findDeviceToken(undefined, mine.userId, keys)).toBeUndefined()
  })

  it('of an older key is verified while the key exists', () => {
    const mine = device()
    const text = writeDeviceToken(mine, keys)
    expect(findDeviceToken(text, mine.userId, deviceTokenKeys([newer, older]))).toEqual(mine)
    expect(findDeviceToken(text, mine.userId, deviceTokenKeys([newer]))).toBeUndefined()
  })

  it.each([
    ['another account', (text: string, other: string) => text.replace(/^d1\.[0-9a-f]{32}/, `d1.${other}`)],
    ['another id', (text: string) => text.replace(/\.[A-Za-z0-9_-]{22}\./, `.${newDeviceId()}.`)],
    ['another signature', (text: string) => text.replace(/[A-Za-z0-9_-]{43}$/, 'A'.repeat(43))],
    ['no signature', (text: string) => text.replace(/\.[A-Za-z0-9_-]{43}$/, '')],
    ['blanks around it', (text: string) => ` ${text}`],
  ])('with %s is rejected', (_, change) => {
    const [mine, other] = [device(), randomUUID()]
    const forged = change(writeDeviceToken(mine, keys), other.replaceAll('-', ''))
    expect(findDeviceToken(forged, mine.userId, keys)).toBeUndefined()
    expect(findDeviceToken(forged, other, keys)).toBeUndefined()
  })

  it('is ignored after the five of a browser, and in a text that is too long', () => {
    const mine = device()
    const others = Array.from({ length: MAX_TOKENS }, () => token())
    expect(findDeviceToken(joinTokens([...others, writeDeviceToken(mine, keys)]), mine.userId, keys)).toBeUndefined()
    expect(tokensIn('~'.repeat(1_000_000))).toEqual([])
  })
})

describe('a browser', () => {
  it('keeps one token of each account, the newest of five', () => {
    const [anna, ben] = [device(), device()]
    const first = withDeviceToken(undefined, token(anna))
    const both = withDeviceToken(first, token(ben))
    const next = writeDeviceToken({ ...anna, id: newDeviceId() }, keys)
    expect(tokensIn(withDeviceToken(both, next))).toEqual([next, token(ben)])
    const many = Array.from({ length: 9 }, () => token())
    const held = many.reduce((before: string | undefined, each) => withDeviceToken(before, each), undefined)
    expect(tokensIn(held)).toEqual(many.slice(-MAX_TOKENS).reverse())
  })

  it('drops a text that is not a token', () => {
    const mine = token()
    expect(withDeviceToken('x~y; Path=/~', mine)).toBe(mine)
  })
})
