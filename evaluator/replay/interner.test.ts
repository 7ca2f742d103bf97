import { describe, expect, it } from 'vitest'
import { Interner } from './interner.ts'

/** More values than one trial. */
const MANY = 5_000

function finder(interner: Interner) {
  return (text: string) => {
    const json = JSON.stringify(text)
    const buffer = Buffer.from(`${json}    `)
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    return interner.find(buffer, view, 0, Buffer.byteLength(json))
  }
}

describe('an interner', () => {
  it('keeps values that repeat, whatever the number of other values', () => {
    const again = finder(new Interner())
    for (let n = 0; n < MANY; n++) for (const text of [`id-${n}`, `user-${n % 100}`]) again(text)
    expect(again('user-7')).toBe(again('user-7'))
    expect(again('user-7')).toMatchObject({ value: 'user-7', texts: 'user-7' })
  })

  it('does not keep values that never repeat, and tries again later', () => {
    const find = finder(new Interner())
    for (let n = 0; n < MANY; n++) expect(find(`id-${n}`).value).toBe(`id-${n}`)
    const [one, other] = [find('id'), find('another id')]
    expect([find('id'), find('another id')].map(({ value }) => value)).toEqual(['id', 'another id'])
    expect(find('id')).not.toBe(one)
    expect(find('another id')).not.toBe(other)
    for (let n = 0; n < 40_000; n++) find(`later-${n % 50}`)
    expect(find('later-7')).toBe(find('later-7'))
  })
})
