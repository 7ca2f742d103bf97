/** A macro of DuckDB that queries use by its name. */
interface Macro {
  readonly name: string
  readonly parameters: string
  readonly body: string
}

const macro = (name: string, parameters: string, body: string): Macro => ({ name, parameters, body })

/** An expression over a value that is planned and computed once, and not at each place where it stands: for what rarely runs. */
const once = (value: string, name: string, body: string): string =>
  `list_transform([${value}], lambda ${name}: ${body})[1]`

const ISO_8601 = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?`
const NUMERIC = String.raw`-?\d+(\.\d+)?([eE][+-]?\d+)?`

/** Rounds of removing the innermost brackets: a message of JSON that has brackets left nests too deeply to be read as an object. */
const MAX_DEPTH = 20

/** In the order in which they can be created. */
const MACROS: readonly Macro[] = [
  // A number as JavaScript prints it.
  macro(
    'ap_double',
    'd',
    once(
      'd',
      'x',
      String.raw`CASE WHEN x = 0 THEN '0' WHEN isinf(x) THEN if(x < 0, '-Infinity', 'Infinity')
  WHEN x::VARCHAR NOT LIKE '%e%' THEN regexp_replace(x::VARCHAR, '\.0$', '')
  WHEN abs(x) >= 1e21 OR abs(x) < 1e-6 THEN regexp_replace(x::VARCHAR, '(\.0)?e([+-])0*', 'e\2')
  WHEN abs(x) >= 1 THEN if(x < 0, '-', '') || rpad(replace(regexp_extract(x::VARCHAR, '[\d.]+'), '.', ''),
    regexp_extract(x::VARCHAR, '\d+$')::INT + 1, '0')
  ELSE if(x < 0, '-', '') || '0.' || repeat('0', regexp_extract(x::VARCHAR, '\d+$')::INT - 1)
    || replace(regexp_extract(x::VARCHAR, '[\d.]+'), '.', '') END`,
    ),
  ),
  // A number of JSON as text; whole ones keep their digits, whatever their size.
  macro(
    'ap_number',
    't',
    String.raw`CASE WHEN regexp_full_match(t, '-?\d+') THEN t ELSE ap_double(try_cast(t AS DOUBLE)) END`,
  ),
  // Whether a text is a whole number beyond 2^53, which a double would merge with its neighbours.
  macro(
    'ap_is_long',
    't',
    String.raw`(len(t) >= 16 AND regexp_full_match(t, '-?\d{16,}')
  AND coalesce(abs(try_cast(t AS HUGEINT)) > 9007199254740991, true))`,
  ),
  macro('ap_is_numeric', 't', `regexp_full_match(t, '${NUMERIC}')`),
  // A scalar of JSON as text; NULL for an object.
  macro(
    'ap_text',
    'v',
    `CASE WHEN v LIKE '"%' THEN v->>'$' WHEN v LIKE '{%' THEN NULL WHEN v IN ('true', 'false') THEN v::VARCHAR
  ELSE ap_number(v::VARCHAR) END`,
  ),
  // What stands in an array and in the arrays in it, without null.
  macro(
    'ap_leaves',
    'j',
    `list_filter(list_reduce(
  list_prepend(json_extract(j, '$[*]'), repeat([[]::JSON[]], len(j) - len(replace(j, '[', '')) - 1)),
  lambda l, i: flatten(list_transform(l, lambda x: CASE WHEN x LIKE '[%' THEN json_extract(x, '$[*]') ELSE [x] END))),
  lambda x: x <> 'null')`,
  ),
  // The scalars at any depth below some values, without null.
  macro(
    'ap_scalars',
    'l',
    once(
      'l',
      's',
      `list_filter(list_reduce(
  list_prepend(s, repeat([[]::JSON[]], len(s::VARCHAR) - len(replace(replace(s::VARCHAR, '[', ''), '{', '')))),
  lambda a, i: flatten(list_transform(a, lambda x: CASE WHEN x LIKE '[%' THEN json_extract(x, '$[*]')
    WHEN x LIKE '{%' THEN json_extract(x, '$.*') ELSE [x] END))),
  lambda x: x <> 'null')`,
    ),
  ),
  // What nested keys hold in objects, also where these are in arrays: one value, an array of them, or NULL.
  macro(
    'ap_below',
    'j, keys',
    `to_json(list_reduce(list_prepend([j], list_transform(keys, lambda x: [to_json(x)])), lambda l, k: list_filter(list_transform(
    flatten(list_transform(l, lambda x: CASE WHEN x LIKE '[%' THEN ap_leaves(x) ELSE [x] END)),
    lambda x: json_extract(x, k[1]->>'$')), lambda x: x IS NOT NULL)))`,
  ),
  // One value, or an array of all.
  macro(
    'ap_all',
    'l',
    once(
      "list_filter(l, lambda x: x <> 'null')",
      'a',
      'CASE len(a) WHEN 0 THEN NULL WHEN 1 THEN a[1] ELSE to_json(a) END',
    ),
  ),
  // The texts of a field, each once: its values as a facet shows them.
  macro(
    'ap_texts',
    'j',
    `CASE WHEN j IS NULL THEN []::VARCHAR[]
  WHEN j LIKE '[%' THEN list_distinct(list_filter(list_transform(ap_leaves(j), lambda x: ap_text(x)), lambda x: x IS NOT NULL))
  WHEN j LIKE '{%' THEN []::VARCHAR[] ELSE [ap_text(j)] END`,
  ),
  macro(
    'ap_measured',
    't',
    `list_filter([if(ap_is_numeric(t), try_cast(t AS DOUBLE), NULL)], lambda x: abs(x) <= 1e300)`,
  ),
  // The numbers of a field, repeated ones included.
  macro(
    'ap_numbers',
    'j',
    `CASE WHEN j IS NULL THEN []::DOUBLE[]
  ELSE flatten(list_transform(CASE WHEN j LIKE '[%' THEN ap_leaves(j) ELSE [j] END, lambda x: ap_measured(ap_text(x)))) END`,
  ),
  macro(
    'ap_tag_values',
    'tags, prefix',
    `list_transform(list_filter(tags, lambda x: starts_with(lower(x[:len(prefix)]), prefix)), lambda x: x[len(prefix) + 1:])`,
  ),
  // Text of what stands in a reserved attribute.
  macro('ap_plain', 'j', `CASE WHEN j LIKE '{%' OR j LIKE '[%' THEN j::VARCHAR ELSE ap_text(j) END`),
  macro(
    'ap_split',
    's',
    String.raw`list_filter(list_transform(string_split(s, ','), lambda x: lower(regexp_replace(x, '^\s+|\s+$', '', 'g'))), lambda x: x <> '')`,
  ),
  macro('ap_tag_key', 't', `string_split(t, ':')[1]`),
  macro(
    'ap_status',
    's',
    once(
      's',
      'x',
      `CASE WHEN regexp_full_match(x, '[0-7]')
    THEN ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug'][x::INT + 1]
  WHEN regexp_matches(x, '(?i)^(emerg|f)') THEN 'emergency' WHEN regexp_matches(x, '(?i)^a') THEN 'alert'
  WHEN regexp_matches(x, '(?i)^c') THEN 'critical' WHEN regexp_matches(x, '(?i)^e') THEN 'error'
  WHEN regexp_matches(x, '(?i)^w') THEN 'warning' WHEN regexp_matches(x, '(?i)^n') THEN 'notice'
  WHEN regexp_matches(x, '(?i)^[dtv]') THEN 'debug' WHEN regexp_matches(x, '(?i)^[os]') THEN 'ok' ELSE 'info' END`,
    ),
  ),
  macro(
    'ap_is_deep',
    't',
    String.raw`(len(t) - len(replace(replace(t, '{', ''), '[', '')) > ${MAX_DEPTH} AND regexp_matches(list_reduce(
  list_prepend(regexp_replace(t, '"(?:[^"\\]|\\.)*"', '', 'g'), repeat([''], ${MAX_DEPTH})),
  lambda a, i: regexp_replace(a, '[{\[][^{}\[\]]*[}\]]', '', 'g')), '[{\[]'))`,
  ),
  // A message that is an object of JSON, as text or not: its keys are attributes.
  macro(
    'ap_object',
    'j',
    String.raw`CASE WHEN j LIKE '{%' THEN if(ap_is_deep(j::VARCHAR), NULL, j)
  WHEN regexp_matches(j::VARCHAR, '^"(\\[nrt]|\s)*\{') THEN CASE WHEN json_valid(j->>'$') AND NOT ap_is_deep(j->>'$')
    THEN json_extract(j->>'$', '$') END END`,
  ),
  // A number as a date, in the unit that its magnitude says: epoch ms.
  macro(
    'ap_epoch',
    't',
    `${once(
      't',
      'x',
      String.raw`CASE WHEN x::DOUBLE < 0 OR x::DOUBLE >= 1e20 THEN NULL
    WHEN x::DOUBLE >= 1e17 THEN coalesce(try_cast(regexp_extract(x, '^(\d+)(\.\d+)?$', 1) AS HUGEINT) // 1000000, floor(x::DOUBLE / 1e6))
    WHEN x::DOUBLE >= 1e14 THEN coalesce(try_cast(regexp_extract(x, '^(\d+)(\.\d+)?$', 1) AS HUGEINT) // 1000, floor(x::DOUBLE / 1e3))
    WHEN x::DOUBLE >= 1e11 OR x::DOUBLE < 1e8 THEN floor(x::DOUBLE)
    ELSE floor(round(x::DOUBLE * 1e6) / 1e3) END`,
    )}::BIGINT`,
  ),
  // Second 60 is the first one of the next minute. A date without an offset is one of UTC, whatever zone the session has.
  macro(
    'ap_iso',
    's',
    String.raw`epoch_ms(try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    regexp_replace(replace(upper(s), ',', '.'), '^(.{16}:)60', '\159'),
    '^(.{16})(Z|[+-]|$)', '\1:00\2'), '(\.\d{3})\d+', '\1'), '^(.{19}(\.\d+)?)$', '\1Z'), '([+-]\d\d)(\d\d)$', '\1:\2')
    AS TIMESTAMPTZ)) + if(s[17:19] = ':60', 1000, 0)`,
  ),
  // The usual form of a date, which needs no other reading.
  macro(
    'ap_is_plain_date',
    'j',
    String.raw`regexp_full_match(j::VARCHAR, '"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(\.\d{1,3})?Z"')`,
  ),
  macro('ap_plain_date', 'j', `epoch_ms(try_cast(j->>'$' AS TIMESTAMP))`),
  // The date in a value: epoch ms.
  macro(
    'ap_time',
    'j',
    String.raw`CASE WHEN j LIKE '"%' THEN CASE
    WHEN regexp_full_match(j->>'$', '(?i)${ISO_8601}') THEN ap_iso(j->>'$')
    WHEN regexp_full_match(j->>'$', '\d{10,19}(\.\d+)?') THEN ap_epoch(j->>'$') END
  WHEN regexp_matches(j::VARCHAR, '^-?\d') THEN ap_epoch(j::VARCHAR) END`,
  ),
  // The first of several values that is a date.
  macro(
    'ap_first_time',
    'l',
    `list_filter(list_transform(list_filter(l, lambda x: x IS NOT NULL), lambda x: ap_time(x)), lambda x: x IS NOT NULL)[1]`,
  ),
  macro(
    'ap_ipv4',
    's',
    String.raw`CASE WHEN regexp_full_match(s, '((25[0-5]|2[0-4]\d|1\d\d|[1-9]\d|\d)(\.|$)){4}') AND NOT s LIKE '%.'
  THEN list_reduce(list_transform(string_split(s, '.'), lambda x: x::UHUGEINT), lambda a, x: a * 256 + x) END`,
  ),
  macro(
    'ap_groups',
    's',
    `if(s = '', []::UHUGEINT[], list_transform(string_split(s, ':'), lambda x: ('0x' || x)::UINTEGER::UHUGEINT))`,
  ),
  // An address whose last 32 bits are written as IPv4, with these as two groups.
  macro(
    'ap_hex_tail',
    's',
    String.raw`CASE WHEN s LIKE '%.%' THEN regexp_extract(s, '^(.*:)', 1)
    || printf('%x:%x', (ap_ipv4(regexp_extract(s, '[\d.]+$')) // 65536)::INTEGER, (ap_ipv4(regexp_extract(s, '[\d.]+$')) % 65536)::INTEGER)
  ELSE s END`,
  ),
  macro(
    'ap_ipv6_groups',
    's',
    `CASE WHEN s LIKE '%::%' THEN list_concat(ap_groups(string_split(s, '::')[1]),
    repeat([0::UHUGEINT], 8 - len(ap_groups(string_split(s, '::')[1])) - len(ap_groups(string_split(s, '::')[2]))),
    ap_groups(string_split(s, '::')[2]))
  ELSE ap_groups(s) END`,
  ),
  macro(
    'ap_is_ipv6',
    's',
    String.raw`(s LIKE '%:%' AND regexp_full_match(s, '(?i)[0-9a-f:]*(:(\d{1,3}\.){3}\d{1,3})?')
  AND NOT regexp_matches(s, '(?i)[0-9a-f]{5}|:::|::.*::|^:[^:]|[^:]:$')
  AND (s NOT LIKE '%.%' OR ap_ipv4(regexp_extract(s, '[\d.]+$')) IS NOT NULL)
  AND CASE WHEN s LIKE '%::%' THEN len(list_filter(string_split(ap_hex_tail(s), ':'), lambda x: x <> '')) < 8
    ELSE len(string_split(ap_hex_tail(s), ':')) = 8 END)`,
  ),
  macro(
    'ap_ipv6',
    's',
    `CASE WHEN ap_is_ipv6(s) THEN ${once('ap_hex_tail(s)', 'h', 'list_reduce(ap_ipv6_groups(h), lambda a, x: a * 65536 + x)')} END`,
  ),
  // An address as a number of 128 bits.
  macro('ap_address', 's', 'coalesce(ap_ipv6(s), ap_ipv4(s) + 281470681743360)'),
]

/** The statements that create the macros which a query uses, with those which these use. */
export function macrosFor(query: string): string {
  const used = new Set<string>()
  const visit = (sql: string) => {
    for (const { name, body } of MACROS) {
      if (used.has(name) || !new RegExp(`\\b${name}\\(`).test(sql)) continue
      used.add(name)
      visit(body)
    }
  }
  visit(query)
  return MACROS.filter(({ name }) => used.has(name))
    .map(({ name, parameters, body }) => `CREATE OR REPLACE TEMP MACRO ${name}(${parameters}) AS\n  ${body};\n`)
    .join('')
}
