import type { Group } from './scenario.ts'
import { cap } from './scenarios/cap.ts'
import { clock } from './scenarios/clock.ts'
import { delivery } from './scenarios/delivery.ts'
import { ends, kills } from './scenarios/functions.ts'
import { wholeLab } from './scenarios/lab.ts'
import { load } from './scenarios/load.ts'
import { postgres } from './scenarios/postgres.ts'
import { redis, redisAway, redisServer } from './scenarios/redis.ts'
import { rotation } from './scenarios/rotation.ts'
import { rows } from './scenarios/rows.ts'
import { ledgers, tables, tablesAway } from './scenarios/tables.ts'
import { thefts } from './scenarios/thefts.ts'
import { users } from './scenarios/users.ts'
import { web } from './scenarios/web.ts'

/** Every fault of the table, by the lab in which it is injected. Long ones first: labs run beside each other. */
export const groups: readonly Group[] = [
  kills.twice,
  kills.sixTimes,
  tablesAway,
  redisAway,
  kills.once,
  tables,
  ends,
  redis,
  redisServer,
  thefts,
  delivery,
  rotation,
  web,
  ledgers,
  postgres,
  cap,
  users,
  clock,
  rows,
  load,
  wholeLab,
]
