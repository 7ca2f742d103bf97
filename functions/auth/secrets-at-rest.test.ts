import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '../../shared/secret.ts'
import { unchecked } from '../../shared/unchecked.ts'
import { createHashPool, type HashPool } from '../passwords/hash-pool.ts'
import { createPasswords } from '../passwords/passwords.ts'
import { HashQueueFull } from '../passwords/worker-pool.ts'
import { openTotp, sealTotp } from './totp.ts'

const WORKER = fileURLToPath(new URL('../../dist/hash-worker.cjs', import.meta.url))
const older = new Secret('an-older-key-of-at-least-32-bytes!!!')
const newer = new Secret('a-newer-key-of-at-least-32-bytes!!!!')

let pool: HashPool
beforeAll(() => {
  pool = createHashPool(WORKER, { size: 2, queueLimit: 64 })
})
afterAll(() => pool.close())

describe('a password', () => {
  it('is verified, and the stored hash does not contain it', async () => {
    const passwords = createPasswords(pool, [newer], 4)
    const stored = await passwords.hash('correct password of mine')
    expect(stored).toMatch(/^p1\.[0-9a-f]{8}\.\$2b\$04\$/)
    expect(await passwords.check('correct password of mine', stored)).toEqual({ matches: true, outdated: false })
    expect(await passwords.check('correct password of mine ', stored)).toEqual({ matches: false })
  })

  it('is verified whole, beyond the 72 bytes that bcrypt reads', async () => {
    const passwords = createPasswords(pool, [newer], 4)
    const stored = await passwords.hash(`${'x'.repeat(100)}a`)
    expect((await passwords.check(`${'x'.repeat(100)}b`, stored)).matches).toBe(false)
  })

  it('is the same password however a keyboard composes its characters', async () => {
    const passwords = createPasswords(pool, [newer], 4)
    const stored = await passwords.hash('caf\u00e9 au lait au lit')
    expect((await passwords.check('cafe\u0301 au lait au lit', stored)).matches).toBe(true)
  })

  it('is distinguished for an hour by a short fingerprint, which reveals nothing without the pepper', () => {
    const [one, other] = [createPasswords(pool, [newer, older], 4), createPasswords(pool, [older], 4)]
    const print = one.fingerprint('caf\u00e9 au lait au lit')
    expect(print).toMatch(/^[0-9a-f]{16}$/)
    expect(one.fingerprint('cafe\u0301 au lait au lit')).toBe(print)
    expect(one.fingerprint('Caf\u00e9 au lait au lit')).not.toBe(print)
    expect(other.fingerprint('caf\u00e9 au lait au lit')).not.toBe(print)
  })

  it('under an older pepper or a lower cost is verified, and outdated', async () => {
    const before = await createPasswords(pool, [older], 4).hash('correct password of mine')
    const after = createPasswords(pool, [newer, older], 4)
    expect(await after.check('correct password of mine', before)).toEqual({ matches: true, outdated: true })
    const costlier = createPasswords(pool, [older], 5)
    expect(await costlier.check('correct password of mine', before)).toEqual({ matches: true, outdated: true })
    expect(await createPasswords(pool, [newer], 4).check('correct password of mine', before)).toEqual({
      matches: false,
    })
  })

  it.each([undefined, '', 'p1.00000000.garbage', '$2b$04$plain'])(
    'does not match the stored value %s',
    async (stored) => {
      expect(await createPasswords(pool, [newer], 4).check('anything at all', stored)).toEqual({ matches: false })
    },
  )
})

describe('the pool', () => {
  it('refuses the first job that would wait beyond its limit, and finishes the others', async () => {
    const small = createHashPool(WORKER, { size: 1, queueLimit: 2 })
    const jobs = Array.from({ length: 5 }, () => small.hash('x', 4))
    const results = await Promise.allSettled(jobs)
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ])
    expect(results.at(-1)).toMatchObject({ reason: expect.any(HashQueueFull) })
    await small.close()
  })

  it('gives a place of the sender with the most work to a sender with none', async () => {
    const small = createHashPool(WORKER, { size: 1, queueLimit: 2 })
    const flood = Array.from({ length: 3 }, () => small.hash('x', 4, { ip: '198.51.100.1', trusted: false }))
    const office = small.hash('x', 4, { ip: '203.0.113.7', trusted: false })
    const results = await Promise.allSettled([...flood, office])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(results[2]).toMatchObject({ reason: expect.any(HashQueueFull) })
    await small.close()
  })

  it('keeps the event loop free while it works', async () => {
    const turns: number[] = []
    const timer = setInterval(() => turns.push(1), 1)
    await pool.hash('x', 10)
    clearInterval(timer)
    expect(turns.length).toBeGreaterThan(5)
  })

  it('rejects a failed job, and continues', async () => {
    await expect(pool.compare('x', unchecked(undefined))).rejects.toThrow()
    expect(await pool.hash('x', 4)).toMatch(/^\$2b\$04/)
  })
})

describe('a TOTP secret', () => {
  it('opens under the key that sealed it, for the user it was sealed for', () => {
    const id = randomUUID()
    const sealed = sealTotp('JBSWY3DPEHPK3PXP', id, [older])
    expect(openTotp(sealed, id, [newer, older])).toBe('JBSWY3DPEHPK3PXP')
    expect(() => openTotp(sealed, randomUUID(), [older])).toThrow()
    expect(() => openTotp(sealed, id, [newer])).toThrow('TOTP_KEY')
    const middle = Math.floor(sealed.length / 2)
    const other = sealed[middle] === 'A' ? 'B' : 'A'
    const changed = sealed.slice(0, middle) + other + sealed.slice(middle + 1)
    expect(() => openTotp(changed, id, [older])).toThrow()
  })

  it('is sealed differently each time', () => {
    const id = randomUUID()
    expect(sealTotp('JBSWY3DPEHPK3PXP', id, [newer])).not.toBe(sealTotp('JBSWY3DPEHPK3PXP', id, [newer]))
  })
})
