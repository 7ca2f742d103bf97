import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** An alert on many distinct values: what a batch query counts. */
export interface BatchRule {
  /** The logs that count. */
  readonly where: string
  readonly keys: readonly string[]
  /** The column of which distinct values are counted. */
  readonly value: string
  readonly minutes: number
  readonly above: number
}

/** DuckDB on two threads. */
export class DuckDb {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  static async start(): Promise<DuckDb> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
    return new DuckDb(instance, await instance.connect())
  }

  /** Runs statements. @returns the rows of the last of them */
  async run(sql: string): Promise<Record<string, unknown>[]> {
    const reader = await this.#connection.runAndReadAll(sql)
    return reader.getRowObjects()
  }

  stop(): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }
}

const MINUTE_MS = 60_000

/** The columns of the log, as the benchmark writes it, with their types: a person who writes a query for this log knows them. */
const COLUMNS = `{'timestamp': 'TIMESTAMP', 'service': 'VARCHAR', 'env': 'VARCHAR', 'evt': 'VARCHAR', 'outcome': 'VARCHAR', 'reason': 'VARCHAR',
    'network': 'VARCHAR', 'request_id': 'VARCHAR', 'sid': 'VARCHAR', 'device_hash': 'VARCHAR', 'usr': 'STRUCT(id VARCHAR)'}`

/**
 * The query that finds when each group rises above its limit and falls below it, each minute, as a person writes it for this one log: it
 * reads the log once, and only texts. `alertproof sql` prints a longer one, for any log.
 */
export function batchSql(file: string, rules: readonly BatchRule[]): string {
  const entries = rules.map(({ where, keys, value }, i) => {
    return `SELECT ${i} AS rule, ${pair(keys)}, ${value} AS v, ts // ${MINUTE_MS} AS minute FROM logs WHERE ${where} GROUP BY ALL`
  })
  const leaves = `minute + CASE rule ${rules.map(({ minutes }, i) => `WHEN ${i} THEN ${minutes}`).join(' ')} END`
  const above = `n > CASE rule ${rules.map((rule, i) => `WHEN ${i} THEN ${rule.above}`).join(' ')} END`
  return `WITH logs AS MATERIALIZED (
  SELECT epoch_ms("timestamp") AS ts, env, evt, outcome, reason, network, request_id, sid, device_hash, usr.id AS usr
  FROM read_ndjson('${file.replaceAll("'", "''")}', columns = ${COLUMNS})
  WHERE service = 'mini-ato-saas' AND (${rules.map(({ where }) => `(${where})`).join(' OR ')})
),
entries AS (${entries.join('\n  UNION ALL ')}),
spans AS (
  SELECT rule, a, b, minute, ${leaves} AS gone, lag(${leaves}) OVER w AS before, lead(minute) OVER w AS after
  FROM entries WINDOW w AS (PARTITION BY rule, a, b, v ORDER BY minute)
),
counts AS (
  SELECT rule, a, b, minute, sum(sum(d)) OVER (PARTITION BY rule, a, b ORDER BY minute) AS n FROM (
    SELECT rule, a, b, minute, 1 AS d FROM spans WHERE before IS NULL OR before < minute
    UNION ALL SELECT rule, a, b, gone, -1 FROM spans WHERE after IS NULL OR after > gone)
  GROUP BY rule, a, b, minute
)
SELECT rule, a, b, minute + 1 AS minute, n, ${above} AS alert FROM counts
QUALIFY alert <> coalesce(lag(alert) OVER (PARTITION BY rule, a, b ORDER BY minute), false) ORDER BY minute`
}

const pair = ([a = "''", b = "''"]: readonly string[]): string => `${a} AS a, ${b} AS b`
