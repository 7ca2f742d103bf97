import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { build } from '../build.mjs'
import { removeAbandoned, removeLab } from '../lab/stores/remove.ts'
import { startStores } from '../lab/stores/start.ts'

const PARENT = fileURLToPath(new URL('../.lab/test', import.meta.url))

/**
 * Builds what is deployed, and starts what every test file shares: the embedded stores, once per run, in a directory of their own, so that they
 * clash neither with a running lab nor with another run. `TEST_DATABASE_URL`, `TEST_REDIS_URL` and
 * `TEST_TABLES_CONNECTION` replace them one by one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await Promise.all([build(), removeAbandoned(PARENT)])
  const dir = join(PARENT, `${process.pid}-${randomBytes(4).toString('hex')}`)
  const stores = await startStores({
    dir,
    given: {
      DATABASE_URL: process.env.TEST_DATABASE_URL,
      REDIS_URL: process.env.TEST_REDIS_URL,
      TABLES_CONNECTION: process.env.TEST_TABLES_CONNECTION,
    },
  })
  project.provide('databaseUrl', stores.DATABASE_URL)
  project.provide('redisUrl', stores.REDIS_URL)
  project.provide('tablesConnection', stores.TABLES_CONNECTION)
  return async () => {
    await stores.close()
    await removeLab(dir)
  }
}
