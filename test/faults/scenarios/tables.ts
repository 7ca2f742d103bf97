import type { Fault } from '../drill.ts'
import type { HttpFault, PassingRequest } from '../http-proxy.ts'
import { drilled, type Group, type Scenario } from '../scenario.ts'

/** @param rule for each request to the table service; `undefined` passes it */
const hurt =
  (rule: (request: PassingRequest) => HttpFault): Fault =>
  (stage) => {
    stage.proxies.tables.set(rule)
    return stage.proxies.tables.heal
  }

const always = (fault: HttpFault): Fault => hurt(() => fault)
const JSON_TYPE = { 'content-type': 'application/json' }
const busy = (status: number, headers: Readonly<{ [name: string]: string }> = {}): HttpFault => ({
  status,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify({
    'odata.error': { code: 'ServerBusy', message: { lang: 'en-US', value: 'The server is busy.' } },
  }),
})

const by = (name: string, fault: string, seconds: number, begin: Fault): Scenario =>
  drilled({ name: `tables-${name}`, fault: `Tables ${fault}`, injected: 'proxy', seconds, begin })

const someOf =
  (fault: HttpFault): Fault =>
  (stage) =>
    hurt(() => (stage.random.int(2) === 0 ? fault : 'none'))(stage, { victims: [], bystanders: [] })

/** Whether a request writes to a row that exists, directly or in a batch, of the table of containments. */
const updatesContainment = ({ method, path, body }: PassingRequest): boolean =>
  (/^\/\w+\/containments\(/i.test(path) && (method === 'PUT' || method === 'PATCH' || method === 'MERGE')) ||
  (/\/\$batch/.test(path) && /\b(?:PUT|PATCH|MERGE) \S*\/containments\(/i.test(body.toString()))

/** Whether a request reads the index of open sessions. */
const readsSessionIndex = ({ method, path }: PassingRequest): boolean =>
  method === 'GET' && /\/sessionindex\b/i.test(path)

export const tables: Group = {
  name: 'tables',
  scenarios: [
    by('refuse', 'refuse connections for 8 s', 8, always('refuse')),
    by('hang', 'hang for 8 s', 8, always('hang')),
    by('slow-700', 'slow by 700 ms each way', 8, always({ delayMs: 350 })),
    by('503-random', 'answer 503 at random', 8, someOf(busy(503))),
    by('cut-random', 'act, then cut, at random', 6, someOf('act-then-cut')),
    by('hang-random', 'act, then hang, at random', 8, someOf('act-then-hang')),
  ],
}

/** Faults during which nothing at all can be claimed. */
export const tablesAway: Group = {
  name: 'tables-away',
  scenarios: [
    by('slow-2500', 'slow by 2,500 ms each way', 10, always({ delayMs: 2500 })),
    by('503', 'answer 503', 6, always(busy(503))),
    by('429', 'answer 429', 6, always(busy(429))),
    by('500', 'answer 500 with a JSON body', 6, always(busy(500))),
    by(
      'html',
      'answer 200 with HTML',
      6,
      always({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html></html>' }),
    ),
    by('cut-json', 'answer with half of their JSON', 6, always('cut-body')),
    by('retry-after-30', 'answer 503 with Retry-After: 30', 6, always(busy(503, { 'retry-after': '30' }))),
    by('retry-after-120', 'answer 503 with Retry-After: 120', 6, always(busy(503, { 'retry-after': '120' }))),
  ],
}

/** Faults of one table. */
export const ledgers: Group = {
  name: 'ledgers',
  scenarios: [
    drilled({
      name: 'ledger-no-updates',
      fault: 'the containment ledger takes claims but no updates for 6 s',
      injected: 'proxy, by method and table',
      seconds: 6,
      begin: hurt((request) => (updatesContainment(request) ? busy(503) : 'none')),
    }),
    drilled({
      name: 'ledger-no-updates-user',
      fault: 'the same, `revoke_user`',
      injected: 'proxy, by method and table',
      seconds: 6,
      trigger: 'otp-replay',
      begin: hurt((request) => (updatesContainment(request) ? busy(503) : 'none')),
    }),
    drilled({
      name: 'session-index-unreadable',
      fault: 'the session index unreadable for 40 s',
      injected: 'proxy, by table',
      seconds: 40,
      begin: async (stage, crowd) => {
        const goOn = await hurt((request) => (readsSessionIndex(request) ? busy(500) : 'none'))(stage, crowd)
        // Nobody takes the webhook either: only the sweeper can.
        await stage.lab.functions.kill()
        const back = setTimeout(() => void stage.lab.functions.start(), 3000)
        return async () => {
          clearTimeout(back)
          await goOn()
        }
      },
      remark: 'the webhooks find nobody; the sweeper does not wait for the index',
    }),
  ],
}
