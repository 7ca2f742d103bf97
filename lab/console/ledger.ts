import * as z from 'zod'
import type { Routes } from '../datadog/http.ts'
import { sendError, sendJson } from '../datadog/http.ts'
import type { ContainmentAsked, ContainmentView, Effect } from './api.ts'
import { changing } from './changing.ts'
import type { Hub } from './hub.ts'
import { type ContainmentsPort, type LedgerContainment, NotPossibleHere } from './ports.ts'
import type { LedgerRow } from './trace-steps.ts'

/** Rows follow their events, and a row may change more than once for one alert. */
const READ_AFTER_MS = 250
const REASON_MAX = 256

const Asked: z.ZodType<ContainmentAsked> = z.strictObject({
  id: z.string().min(1).max(128),
  do: z.enum(['approve', 'retry', 'undo']),
  reason: z.string().trim().min(1, 'a reason is needed: it stands in the row and in the log').max(REASON_MAX),
})

export interface LedgerOptions {
  readonly port: ContainmentsPort
  readonly hub: Hub
  /** Called when rows were read again. */
  readonly changed: () => void
  /** Epoch ms of the effect of a containment, if its event was seen. */
  readonly effectOf: (id: string) => number | undefined
  readonly log: (line: string) => void
}

/** The rows of the ledger as they were read last. They are read again when an event says that one has changed and somebody looks. */
export class Ledger {
  readonly #options: LedgerOptions
  #rows = new Map<string, LedgerContainment>()
  #isStale = true
  #reading: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: LedgerOptions) {
    this.#options = options
    options.hub.provide('containments', () => [{}])
  }

  row(id: string): LedgerRow | undefined {
    const row = this.#rows.get(id)
    if (!row) return undefined
    const { created_at: createdAt, changed_at: changedAt, text } = row
    return { id, title: titleOf(row), createdAt, changedAt, text, effect: effectIn(row) }
  }

  /** An event says that a row has changed. */
  touch(): void {
    this.#isStale = true
    if (!this.#options.hub.reads('containments') && !this.#options.hub.reads('trace')) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.refresh()
    }, READ_AFTER_MS)
  }

  /** Reads the ledger unless nothing has changed. A failure is logged. */
  async refresh(): Promise<void> {
    if (this.#reading) await this.#reading
    if (!this.#isStale) return
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    await this.#reading
  }

  routes(): Routes {
    return {
      'GET /lab/containments': async (_request, response) => {
        this.#isStale = true // the sweeper and `npm run contain` change rows without an event here
        await this.refresh()
        if (this.#isStale) return sendError(response, 503, 'the ledger could not be read; see the log of the lab')
        sendJson(response, 200, { containments: [...this.#rows.values()].map((row) => this.#view(row)) })
      },
      'POST /lab/containments': changing(Asked, async (asked, response) => {
        try {
          sendJson(response, 200, await this.#options.port.act(asked))
        } catch (error) {
          if (!(error instanceof NotPossibleHere)) throw error
          sendError(response, error.status, error.message)
        } finally {
          this.touch()
        }
      }),
    }
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  /** The event knows the effect better than the row, which may have changed since. */
  #view({ created_at, text, ...view }: LedgerContainment): ContainmentView {
    const effect = this.#options.effectOf(view.id)
    return effect === undefined ? view : { ...view, latency_ms: Math.max(0, effect - view.alert_at) }
  }

  async #read(): Promise<void> {
    this.#isStale = false
    try {
      this.#rows = new Map((await this.#options.port.list()).map((row) => [row.id, row]))
      this.#options.hub.mark('containments')
      this.#options.changed()
    } catch (error) {
      this.#isStale = true
      this.#options.log(`the ledger could not be read: ${error instanceof Error ? error.message : error}`)
    }
  }
}

const EFFECT_OF_STATE: Readonly<Record<string, Effect>> = {
  held: 'waiting',
  pending: 'waiting',
  failed: 'failed',
  undone: 'undone',
}

/** A row that is closed keeps the result of what was done. */
function effectIn({ action, state, result, mode }: LedgerContainment): Effect {
  if (mode === 'observe' || result === 'observed') return 'observed'
  const done = action === 'notify' ? 'notified' : 'done'
  return EFFECT_OF_STATE[state] ?? (result === 'success' || result === 'noop' ? done : 'none')
}

const titleOf = ({ action, state, result, reason, mode }: LedgerContainment): string => {
  const would = mode === 'observe' ? 'would ' : ''
  const detail = [result, reason].filter((each) => each !== null).join(', ')
  return `${would}${action}: ${state}${detail && ` (${detail})`}`
}
