import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { frameLine, frameLoss, splitLine } from './logplex-frame-writer.ts'
import { FrameError, parseFrames } from './logplex-frames.ts'

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678) + 0.901

describe('a drain body', () => {
  test('is framed byte for byte as by Logplex', () => {
    const message = '{"evt":"login","outcome":"fail","email":"a@example.test","ip":"203.0.113.9"}'
    const framed = frameLine({
      pri: 190,
      at: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
      appname: 'app',
      procid: 'web.1',
      message,
    })
    expect(framed.toString()).toBe(
      '134 <190>1 2026-01-02T03:04:05.678000+00:00 host app web.1 - ' +
        '{"evt":"login","outcome":"fail","email":"a@example.test","ip":"203.0.113.9"}\n',
    )
  })

  test('counts bytes, not characters', () => {
    const framed = frameLine({ pri: 190, at, appname: 'app', procid: 'web.1', message: '{"email":"zoë@example.test"}' })
    expect(framed.toString().length).toBe('87 '.length + 86)
    expect(parseFrames(framed)[0]?.message).toBe('{"email":"zoë@example.test"}')
  })

  test('is read from the example of the Logplex README', () => {
    const body = Buffer.from(
      '83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed from starting to up\n'.repeat(2),
    )
    expect(parseFrames(body)).toHaveLength(2)
    expect(parseFrames(body)[1]).toEqual({
      facility: 5,
      severity: 0,
      timestamp: '2012-11-30T06:45:29+00:00',
      hostname: 'host',
      appname: 'app',
      procid: 'web.3',
      msgid: '-',
      message: 'State changed from starting to up',
    })
  })

  test('reports loss in a frame without a line feed', () => {
    const loss = frameLoss(7, at, at)
    expect(loss.toString()).toBe(
      '142 <172>1 2026-01-02T03:04:05+00:00 host heroku logplex - ' +
        'Error L10 (output buffer overflow): 7 messages dropped since 2026-01-02T03:04:05+00:00.',
    )
    expect(parseFrames(loss)[0]).toMatchObject({ facility: 21, severity: 4, appname: 'heroku', procid: 'logplex' })
  })

  test('is read back to the same messages, whatever they contain', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (messages) => {
        const lines = messages.map((message) => message.replaceAll('\n', ' '))
        const framed = lines.map((message) => frameLine({ pri: 190, at, appname: 'app', procid: 'web.1', message }))
        expect(parseFrames(Buffer.concat(framed)).map(({ message }) => message)).toEqual(lines)
      }),
    )
  })

  test.each([
    ['a length that is not a number', 'x <190>1 T host app web.1 - a', 0, 'a length in digits was expected'],
    ['a length without a space', '12', 0, 'the length is not followed by a space'],
    ['a length beyond the body', '900 <190>1 T host app web.1 - a', 0, 'has a length of 900 bytes, but 27 are left'],
    ['an endless length', '1'.repeat(400), 0, 'the length has too many digits'],
    ['a second frame that is malformed', '27 <190>1 T host app web.1 - a5 hello', 30, 'is not "<PRI>1 TIME HOST'],
    ['a PRI above the highest', '27 <999>1 T host app web.1 - a', 0, 'PRI 999 is above 191'],
  ])('with %s is refused, and the error has its position', (_, body, position, reason) => {
    const refusal = expect(() => parseFrames(Buffer.from(body)))
    refusal.toThrow(FrameError)
    refusal.toThrow(`frame at byte ${position}: ${reason}`)
  })

  test('of random bytes gives frames or a FrameError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          parseFrames(Buffer.from(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
        }
      }),
    )
  })
})

describe('a long line', () => {
  test('of 10,000 bytes stays whole, and of one more byte is split in two', () => {
    expect(splitLine('x'.repeat(10_000))).toHaveLength(1)
    expect(splitLine('x'.repeat(10_001)).map((piece) => piece.length)).toEqual([10_000, 1])
  })

  test('is never cut inside a character', () => {
    const line = `x${'ë'.repeat(12_000)}`
    const pieces = splitLine(line)
    expect(pieces.join('')).toBe(line)
    expect(pieces.every((piece) => Buffer.byteLength(piece) <= 10_000)).toBe(true)
  })
})
