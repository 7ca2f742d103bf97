import type { Fault } from '../drill.ts'
import type { HttpFault } from '../http-proxy.ts'
import { freeze } from '../processes.ts'
import { drilled, type Group } from '../scenario.ts'

const HTML = { 'content-type': 'text/html' }

const proxy =
  (fault: HttpFault): Fault =>
  (stage) => {
    stage.proxies.web.set(() => fault)
    return stage.proxies.web.heal
  }

/** web serves sessions as well: its own victims and bystanders are asked when it is back. */
export const web: Group = {
  name: 'web',
  scenarios: [
    drilled({
      name: 'web-killed',
      fault: 'web down',
      injected: 'SIGKILL, started again after 4 s',
      seconds: 4,
      async begin(stage) {
        await stage.lab.web.kill()
        return () => stage.lab.web.start()
      },
    }),
    drilled({
      name: 'web-500',
      fault: 'web answers 500',
      injected: 'proxy before web',
      seconds: 3,
      begin: proxy({ status: 500, headers: { 'content-type': 'application/json' }, body: '{"error":"x"}' }),
    }),
    drilled({
      name: 'web-html',
      fault: 'web answers 200 with HTML',
      injected: 'proxy before web',
      seconds: 3,
      begin: proxy({ status: 200, headers: HTML, body: '<!doctype html><title>Sorry</title>' }),
    }),
    drilled({
      name: 'web-302',
      fault: 'web answers 302',
      injected: 'proxy before web',
      seconds: 3,
      begin: proxy({ status: 302, headers: { location: 'https://example.com/' } }),
    }),
    drilled({
      name: 'web-cut-json',
      fault: 'web answers with half of its JSON, after acting',
      injected: 'proxy before web',
      seconds: 3,
      begin: proxy('cut-body'),
    }),
    drilled({ name: 'web-hangs', fault: 'web hangs', injected: 'proxy before web', seconds: 8, begin: proxy('hang') }),
    drilled({
      name: 'web-stopped',
      fault: 'web stopped, and going on later',
      injected: 'SIGSTOP, SIGCONT after 8 s',
      seconds: 8,
      begin: (stage) => freeze(stage.lab.web.pid ?? 0),
    }),
    drilled({
      name: 'web-half-refused',
      fault: 'half of the connections to web refused',
      injected: 'proxy before web, by chance',
      seconds: 4,
      begin(stage) {
        stage.proxies.web.set(() => (stage.random.int(2) === 0 ? 'refuse' : 'none'))
        return stage.proxies.web.heal
      },
    }),
    drilled({
      name: 'web-cut-after-acting',
      fault: 'web cut after acting',
      injected: 'proxy before web',
      seconds: 4,
      begin: proxy('act-then-cut'),
    }),
    drilled({
      name: 'web-acts-and-hangs',
      fault: 'web acts, its answer never comes',
      injected: 'proxy before web',
      seconds: 8,
      begin: proxy('act-then-hang'),
    }),
    drilled({
      name: 'web-hangs-sixty',
      fault: '60 containments while web hangs',
      injected: 'proxy before web',
      victims: 60,
      seconds: 30,
      begin: proxy('hang'),
      remark: 'all are done while web still hangs',
    }),
  ],
}
