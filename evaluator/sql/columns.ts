import { DATE_KEYS, timeNames } from '../intake/preprocess.ts'
import type { Reserved } from '../search/search-ast.ts'
import { list, pointer, text } from './literals.ts'

/** How the lines of the lake are read. */
export const FORMATS = ['jsonl', 'archive'] as const
export type SqlFormat = (typeof FORMATS)[number]

/** Keys of an event that are no attributes. */
const NO_ATTRIBUTES = ['message', 'ddsource', 'ddtags']
const KEYS_OF = {
  service: ['service', 'syslog.appname'],
  host: ['host', 'hostname', 'syslog.hostname'],
  status: ['status', 'severity', 'level', 'syslog.severity'],
} as const

/** A step of the query: a subquery with a name. */
export interface Step {
  readonly name: string
  readonly sql: string
  /** Whether the step reads itself. */
  readonly recursive?: boolean
}

/**
 * The columns that some monitors need of the lines of a lake. A line is an event, as an application wrote it, or a record of an
 * archive of Datadog. Both are read as `alertproof replay` reads them.
 * @see logOfEvent, logOfRecord
 */
export class Columns {
  readonly #formats: readonly SqlFormat[]
  /** Pointers into the line, and into a message that is an object. */
  readonly #pointers: string[] = []
  /** Expressions by the name of their column. */
  readonly #columns = new Map<string, string>()
  readonly #names = new Map<string, string>()

  constructor(formats: readonly SqlFormat[]) {
    this.#formats = formats
  }

  /** Values of an attribute: JSON; an array if there are several, NULL if there is none. */
  attribute(path: string): string {
    return this.#column(`@${path}`, 'a', () => `nullif(${this.#walk(path)}, 'null')`)
  }

  /** Text of a reserved attribute that is not `trace_id`; NULL without it. */
  reserved(name: Exclude<Reserved, 'trace_id'>): string {
    return this.#column(name, name, () =>
      this.#each(
        () => this.#ofEvent(name),
        () => this.#ofRecord(name),
      ),
    )
  }

  /** The tags: a list of texts. */
  tags(): string {
    return this.#column('tags', 'tags', () =>
      this.#each(
        () => this.#tagsOfEvent(),
        () => this.#tagsOfRecord(),
      ),
    )
  }

  /** Every scalar at any depth of the attributes: a list of JSON. */
  everything(): string {
    return this.#column('*', 'everything', () =>
      this.#each(
        () => {
          const keys = (json: string, without: string) =>
            `list_transform(list_filter(json_keys(${json}), lambda k: k NOT IN (${NO_ATTRIBUTES.map(text).join(', ')})${without}),` +
            ` lambda k: json_extract(${json}, '/' || replace(replace(k, '~', '~0'), '/', '~1')))`
          const own = keys('json', ' AND (body IS NULL OR NOT list_contains(json_keys(body), k))')
          return `ap_scalars(CASE WHEN body IS NULL THEN ${own} ELSE list_concat(${own}, ${keys('body', '')}) END)`
        },
        () => `ap_scalars([${this.#line('attributes')}])`,
      ),
    )
  }

  /** The time in epoch ms. @param timeField the key that holds it, instead of the usual ones */
  time(timeField?: string): string {
    return this.#column('time', 'ts', () => {
      if (timeField !== undefined) return this.#timeIn(timeNames(timeField))
      return this.#each(
        () => this.#firstTime(),
        () => `ap_time(coalesce(nullif(${this.#line('date')}, 'null'), ${this.#line('timestamp')}))`,
      )
    })
  }

  /** The steps that read the columns from a relation with one column `json`. */
  steps(source: string): Step[] {
    const hasEvents = this.#formats.includes('jsonl')
    const message = hasEvents ? this.#line('message') : ''
    const stored = this.#formats.includes('archive') ? this.#storedSql() : ''
    const lines = `SELECT json, json_extract(json, ${list(this.#pointers.map(text))}) AS line FROM ${source} WHERE json LIKE '{%'`
    const columns = [...this.#columns].map(([name, sql]) => `${sql} AS ${name}`)
    const steps: Step[] = [{ name: 'lines', sql: lines }]
    if (stored && hasEvents) steps.push({ name: 'records', sql: `SELECT *, ${stored} AS stored FROM lines` })
    const from = steps.at(-1)?.name
    if (hasEvents) {
      const body = `SELECT *, ${stored ? 'CASE WHEN NOT stored THEN ' : ''}ap_object(${message})${stored ? ' END' : ''} AS body FROM ${from}`
      const inside = `json_extract(body, ${list(this.#pointers.map(text))})`
      const own = `CASE WHEN body IS NULL THEN line ELSE list_transform(list_zip(${inside}, line), lambda p: coalesce(p[1], p[2])) END`
      steps.push({ name: 'bodies', sql: body }, { name: 'events', sql: `SELECT *, ${own} AS own FROM bodies` })
    }
    const where = stored && !hasEvents ? ` WHERE ${stored}` : ''
    steps.push({ name: 'logs', sql: `SELECT ${columns.join(',\n    ')}\n  FROM ${steps.at(-1)?.name}${where}` })
    return steps
  }

  #storedSql(): string {
    return `(${this.#line('_id')} IS NOT NULL AND coalesce(${this.#line('attributes')} LIKE '{%', false))`
  }

  #column(key: string, name: string, sql: () => string): string {
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const taken = name === 'a' ? `a${[...this.#names.values()].filter((each) => /^a\d/.test(each)).length + 1}` : name
    this.#names.set(key, taken)
    this.#columns.set(taken, sql())
    return taken
  }

  /** An expression for both kinds of lines. */
  #each(event: () => string, record: () => string): string {
    const [only] = this.#formats
    if (only !== undefined && this.#formats.length === 1) return only === 'jsonl' ? event() : record()
    return `CASE WHEN stored THEN ${record()} ELSE ${event()} END`
  }

  #pointer(path: string): number {
    const known = this.#pointers.indexOf(path)
    return known >= 0 ? known + 1 : this.#pointers.push(path)
  }

  /** What a line holds at a path of keys. */
  #line(...keys: readonly string[]): string {
    return `line[${this.#pointer(pointer(...keys))}]`
  }

  /** What an event has as an attribute: that of its message goes before its own. */
  #root(key: string): string {
    if (NO_ATTRIBUTES.includes(key)) return 'NULL::JSON'
    const at = this.#pointer(pointer(key))
    return `own[${at}]`
  }

  /** Every way in which the names of a path may be the keys of nested objects. */
  #walk(path: string): string {
    const names = path.split('.')
    const ways = splits(names).map(([first = '', ...rest]) => {
      const root = this.#each(
        () => this.#root(first),
        () => this.#line('attributes', first),
      )
      return rest.length === 0 ? root : below(root, rest)
    })
    const [only] = ways
    return only !== undefined && ways.length === 1 ? only : `ap_all(${list(ways)})`
  }

  /** @see lookUp in intake: the whole name is a key, or its parts are keys of nested objects. */
  #lookUp(name: string, rootOf: (key: string) => string): string {
    const [head = '', ...rest] = name.split('.')
    if (rest.length === 0) return rootOf(name)
    const below = `json_extract(${rootOf(head)}, ${text(pointer(rest.join('.')))})`
    return `coalesce(${rootOf(name)}, ${below})`
  }

  /** Of most events, only one key is there, and its date has the usual form. */
  #firstTime(): string {
    const keys = DATE_KEYS.map((key) => this.#lookUp(key, (root) => this.#root(root)))
    const [first = '', second = ''] = keys
    return `CASE WHEN ${first} IS NULL AND ap_is_plain_date(${second}) THEN ap_plain_date(${second}) ELSE ap_first_time(${list(keys)}) END`
  }

  #timeIn(names: readonly string[]): string {
    const values = names.flatMap((name) => {
      const own = this.#lookUp(name, (root) => this.#line(root))
      const inside = this.#each(
        () => this.#lookUp(name, (root) => this.#root(root)),
        () => this.#lookUp(name, (root) => this.#line('attributes', root)),
      )
      return [`nullif(${own}, 'null')`, `nullif(${inside}, 'null')`]
    })
    return `ap_time(coalesce(${values.join(', ')}))`
  }

  #ofEvent(name: Exclude<Reserved, 'trace_id'>): string {
    if (name === 'source') return this.#plainOf(`ddsource`)
    if (name === 'message') {
      const inside = "json_extract(body, '/message')"
      return `CASE WHEN body IS NULL THEN ap_plain(nullif(${this.#line('message')}, 'null')) WHEN ${inside} IS NOT NULL THEN coalesce(ap_plain(nullif(${inside}, 'null')), '') END`
    }
    const values = KEYS_OF[name].map((key) => `nullif(${this.#lookUp(key, (root) => this.#root(root))}, 'null')`)
    const first = `ap_plain(coalesce(${values.join(', ')}))`
    return name === 'status' ? `ap_status(coalesce(${first}, ''))` : first
  }

  /** A key of an event that is no attribute. */
  #plainOf(key: string): string {
    return `ap_plain(nullif(own[${this.#pointer(pointer(key))}], 'null'))`
  }

  #ofRecord(name: Exclude<Reserved, 'trace_id'>): string {
    const own = this.#line(name)
    const json = name === 'status' ? `coalesce(nullif(${own}, 'null'), ${this.#line('attributes', name)})` : own
    return `CASE WHEN ${json} LIKE '"%' THEN ${json}->>'$' END`
  }

  #tagsOfEvent(): string {
    const env = this.#line('env')
    const given = `own[${this.#pointer(pointer('ddtags'))}]`
    const joined = `CASE WHEN ${given} LIKE '[%' THEN array_to_string(list_transform(json_extract(${given}, '$[*]'), lambda x: coalesce(ap_plain(nullif(x, 'null')), '')), ',') ELSE ap_plain(nullif(${given}, 'null')) END`
    const ofEnv = `CASE WHEN regexp_full_match(${env}::VARCHAR, '"[a-z0-9._-]+"') THEN ['env:' || (${env}->>'$')]
      WHEN ${env} LIKE '"%' THEN ap_split('env:' || (${env}->>'$')) ELSE []::VARCHAR[] END`
    const others = `list_filter(ap_split(coalesce(${joined}, '')), lambda x: NOT list_contains(list_transform(${ofEnv}, lambda y: ap_tag_key(y)), ap_tag_key(x)))`
    return `CASE WHEN ${given} IS NULL THEN ${ofEnv} ELSE list_concat(${ofEnv}, ${others}) END`
  }

  #tagsOfRecord(): string {
    const tags = this.#line('tags')
    return `CASE WHEN ${tags} LIKE '[%' THEN list_transform(list_filter(json_extract(${tags}, '$[*]'), lambda x: x LIKE '"%'), lambda x: x->>'$') ELSE []::VARCHAR[] END`
  }
}

/** `a.b.c` as [a.b.c], [a, b.c], [a.b, c], [a, b, c]. */
function splits(names: readonly string[]): string[][] {
  const [first = '', ...rest] = names
  if (rest.length === 0) return [[first]]
  return splits(rest).flatMap(([next = '', ...more]) => [
    [first, next, ...more],
    [`${first}.${next}`, ...more],
  ])
}

/** What keys hold below a value. Only where there are arrays is it looked for in these; a number would be a place in one. */
function below(root: string, keys: readonly string[]): string {
  const everywhere = `ap_below(${root}, ${list(keys.map((key) => text(pointer(key))))})`
  if (keys.some((key) => /^\d+$/.test(key))) return everywhere
  const direct = `json_extract(${root}, ${text(pointer(...keys))})`
  return `coalesce(${direct}, CASE WHEN ${root} LIKE '%[%' THEN ${everywhere} END)`
}
