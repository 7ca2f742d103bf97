import { odata, type TableClient } from '@azure/data-tables'
import { describe, expect, test } from 'vitest'
import { createMemorySpace } from './space.ts'
import { parseFilter } from './table-filter.ts'
import { createMemoryTables, type Perform } from './tables.ts'

const NOW = new Date('2026-03-01T12:00:00.123Z')
const LATER = new Date(NOW.getTime() + 1)

describe('a filter', () => {
  const row = { partitionKey: 'open', rowKey: 'b', at: NOW, state: "it's", count: 3, flag: true }
  test.each([
    [odata`PartitionKey eq ${'open'} and RowKey ge ${'a'} and RowKey lt ${'c'}`, true],
    [odata`state eq ${"it's"} or state eq ${'other'}`, true],
    [odata`at lt ${LATER} and not (count gt ${3})`, true],
    [odata`at lt ${NOW}`, false],
    [odata`flag eq ${true} and (count eq ${4} or count le ${2})`, false],
    [odata`missing ne ${'x'}`, false],
    ['', true],
  ])('%s', (filter, matches) => {
    expect(parseFilter(filter).matches(row)).toBe(matches)
  })

  test('names the partition only if every row that matches is in it', () => {
    expect(parseFilter(odata`PartitionKey eq ${'open'} and RowKey lt ${'c'}`).partition).toBe('open')
    expect(parseFilter(odata`RowKey lt ${'c'} and (PartitionKey eq ${'open'})`).partition).toBe('open')
    expect(parseFilter(odata`PartitionKey eq ${'open'} or RowKey lt ${'c'}`).partition).toBeUndefined()
    expect(parseFilter(odata`not PartitionKey eq ${'open'}`).partition).toBeUndefined()
  })

  test.each(["state eq 'open", 'state like 3', 'state eq', "(state eq 'a'", "state eq 'a' state"])(
    'is refused if it cannot be read: %s',
    (filter) => {
      expect(() => parseFilter(filter)).toThrow(/table filter/)
    },
  )
})

describe('a table', () => {
  const open = (): Promise<TableClient> => createMemoryTables().open('any')
  const entity = (rowKey: string, more = {}) => ({ partitionKey: 'p', rowKey, ...more })

  test('carries out a transaction completely or not at all', async () => {
    const table = await open()
    await table.createEntity(entity('a'))
    const actions = [
      ['create', entity('b')],
      ['create', entity('a')],
    ] as const
    await expect(table.submitTransaction(actions.map((one) => [...one]))).rejects.toMatchObject({ statusCode: 409 })
    await expect(table.getEntity('p', 'b')).rejects.toMatchObject({ statusCode: 404 })
  })

  test('writes on a condition, and a merge keeps properties without a value', async () => {
    const table = await open()
    await table.createEntity(entity('a', { kept: 1, gone: 2 }))
    const { etag } = await table.getEntity('p', 'a')
    await table.updateEntity(entity('a', { kept: undefined, more: NOW }), 'Merge', { etag })
    expect(await table.getEntity('p', 'a')).toMatchObject({ kept: 1, gone: 2, more: NOW })
    await expect(table.updateEntity(entity('a'), 'Replace', { etag })).rejects.toMatchObject({ statusCode: 412 })
  })

  test('is read page by page, and on from where a page ended', async () => {
    const table = await open()
    for (const key of ['c', 'a', 'b']) await table.createEntity(entity(key))
    const { value: first } = await table.listEntities().byPage({ maxPageSize: 2 }).next()
    expect([...(first ?? [])]).toMatchObject([{ rowKey: 'a' }, { rowKey: 'b' }])
    const { continuationToken } = first ?? {}
    await table.deleteEntity('p', 'b')
    const rest = table.listEntities().byPage(continuationToken === undefined ? {} : { continuationToken })
    expect([...((await rest.next()).value ?? [])]).toMatchObject([{ rowKey: 'c' }])
  })

  test('asks before each operation whether and when it is performed', async () => {
    const asked: string[] = []
    const perform: Perform = async (operation, run) => {
      asked.push(operation)
      if (operation === 'any.delete') throw new Error('refused')
      return run()
    }
    const table = await createMemoryTables({ perform }).open('any')
    await table.createEntity(entity('a'))
    await expect(table.deleteEntity('p', 'a')).rejects.toThrow('refused')
    expect(await table.getEntity('p', 'a')).toMatchObject({ rowKey: 'a' })
    expect(asked).toEqual(['any.create', 'any.delete', 'any.get'])
  })
})

test('a space is put back as it was', () => {
  const space = createMemorySpace()
  const [one, other] = [space.map<number>(), space.map<string>()]
  one.set('a', 1)
  const restore = space.snapshot()
  one.set('a', 2)
  other.set('b', 'new')
  restore()
  expect([...one, ...other]).toEqual([['a', 1]])
  space.clear()
  expect(one.size).toBe(0)
})
