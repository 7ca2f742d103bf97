import {
  explainFrom,
  explainRuleFrom,
  type IndexedLog,
  type Monitor,
  nextAligned,
  pageOf,
  type Question,
  QuestionError,
  rulePageOf,
  sourceOfLogs,
} from 'alertproof'
import type { SiemRule } from 'alertproof/siem'
import * as z from 'zod'
import type { Routes } from '../datadog/http.ts'
import { jsonIn, sendError, sendJson } from '../datadog/http.ts'
import { numberIn } from './changing.ts'

export interface ExplainDeps {
  /** Those that are kept, in order of arrival. */
  readonly logs: Iterable<IndexedLog>
  readonly configuration: () => { readonly monitors: readonly Monitor[]; readonly rules: readonly SiemRule[] }
  readonly cadenceSeconds: number | undefined
}

const Group = z.record(z.string().max(128), z.string().max(1024))
const MAX_AT_ONCE = 4

/** `GET /lab/explain`: the page of `alertproof explain` over the logs that are kept. */
export function explainRoutes(deps: ExplainDeps): Routes {
  let underWay = 0
  return {
    'GET /lab/explain': async (_request, response, query) => {
      const detection = detectionOf(deps.configuration(), query)
      if (!detection) return sendError(response, 404, `no monitor or rule ${query.get('monitor')} is evaluated`)
      const question = questionOf(query)
      if (typeof question === 'string') return sendError(response, 400, question)
      if (underWay >= MAX_AT_ONCE)
        return sendError(response, 503, `${MAX_AT_ONCE} explanations are under way: try again`)
      underWay++
      try {
        sendJson(response, 200, { text: await explained(detection, question, deps) })
      } catch (error) {
        if (!(error instanceof QuestionError)) throw error
        sendError(response, 400, error.message)
      } finally {
        underWay--
      }
    },
  }
}

function detectionOf({ monitors, rules }: ReturnType<ExplainDeps['configuration']>, query: URLSearchParams) {
  const isMeant = ({ slug }: { readonly slug: string }) => slug === query.get('monitor')
  return query.get('by') === 'rule' ? rules.find(isMeant) : monitors.find(isMeant)
}

/** @returns what is wrong with it, as text */
function questionOf(query: URLSearchParams): Question | string {
  const event = query.get('event')
  if (event !== null) {
    return /^[\w-]{1,64}$/.test(event)
      ? { event: { search: `@request_id:${event}` } }
      : 'event must be the id of a request'
  }
  const at = numberIn(query.get('at'), 0, 0, Number.MAX_SAFE_INTEGER)
  if (at === undefined) return 'at must be epoch milliseconds'
  const text = query.get('group')
  const group = Group.safeParse(text === null ? {} : jsonIn(text))
  if (!group.success) return 'group must be a JSON object of texts, such as {"@sid":"…"}'
  return { ...(text !== null && { group: group.data }), ...(at > 0 && { at }) }
}

async function explained(detection: Monitor | SiemRule, question: Question, deps: ExplainDeps): Promise<string> {
  const { cadenceSeconds } = deps
  const now = Date.now()
  const until = cadenceSeconds === undefined ? now : nextAligned(now, cadenceSeconds)
  const source = sourceOfLogs(
    [...deps.logs].sort((a, b) => a.timestamp - b.timestamp),
    until,
  )
  const evaluation = cadenceSeconds === undefined ? { live: true } : { cadenceSeconds }
  const page =
    'parsed' in detection
      ? pageOf((await explainFrom(source, detection, question, evaluation)).explanation)
      : rulePageOf((await explainRuleFrom(source, detection, question)).explanation)
  return page.map(({ text }) => text).join('\n')
}
