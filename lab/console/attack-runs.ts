import * as z from 'zod'
import type { Routes } from '../datadog/http.ts'
import { sendError, sendJson } from '../datadog/http.ts'
import type { AttackRun } from './api.ts'
import { changing, isJson } from './changing.ts'
import type { Hub } from './hub.ts'
import { type AttacksPort, type AttackToRun, NotPossibleHere } from './ports.ts'

const MAX_RUNS = 20
const MAX_LINES = 500
const MAX_PACE_MS = 5_000
const MAX_SEED = 2 ** 32 - 1

/** Has the form of `AttackAsked`. */
const Asked = z.strictObject({
  slug: z.string().max(64),
  target: z.enum(['web', 'functions', 'both']),
  twin: z.boolean().default(false),
  seed: z.number().int().min(0).max(MAX_SEED).optional(),
  pace: z.number().int().min(0).max(MAX_PACE_MS).default(0),
  mine: z.strictObject({ sid: z.string().max(64).optional() }).optional(),
})

type Growing = { -readonly [name in keyof AttackRun]: AttackRun[name] }

/** Runs of attacks from the console: one at a time, the newest kept. */
export class AttackRuns {
  readonly #port: AttacksPort
  readonly #hub: Hub
  #runs: Growing[] = []
  #running: { readonly run: Growing; readonly stop: AbortController } | undefined
  readonly #changed = new Set<Growing>()
  #lastId = 0

  constructor(port: AttacksPort, hub: Hub) {
    this.#port = port
    this.#hub = hub
    hub.provide('attack', () => {
      const changed = [...this.#changed]
      this.#changed.clear()
      return changed
    })
  }

  routes(): Routes {
    return {
      'GET /lab/attacks': (_request, response) =>
        sendJson(response, 200, { attacks: this.#port.list(), running: this.#runs }),
      'POST /lab/attacks': changing(Asked, (asked, response) => {
        const { seed = this.#port.newSeed(), mine } = asked
        try {
          const run = this.#start({ ...asked, seed, mine: mine && { sid: mine.sid } })
          sendJson(response, 202, { run })
        } catch (error) {
          if (!(error instanceof NotPossibleHere)) throw error
          sendError(response, error.status, error.message)
        }
      }),
      'DELETE /lab/attacks': (request, response, query) => {
        if (!isJson(request)) return sendError(response, 415, 'send content-type: application/json')
        const id = query.get('run')
        const run = this.#runs.find((each) => each.id === id)
        if (!run) return sendError(response, 404, `no run ${id} is kept`)
        if (this.#running?.run === run) this.#running.stop.abort()
        sendJson(response, 202, { run })
      },
    }
  }

  /** Stops the attack that runs. */
  close(): void {
    this.#running?.stop.abort()
  }

  #start(asked: AttackToRun): AttackRun {
    if (this.#running) throw new NotPossibleHere(`${this.#running.run.slug} still runs: stop it, or wait for its end`)
    this.#port.check(asked)
    const { slug, target, twin, seed } = asked
    const id = `run-${++this.#lastId}`
    const run: Growing = {
      ...{ id, slug, target, twin, seed, started_at: Date.now(), ended_at: null },
      ...{ run_ids: [], lines: [], ok: null, error: null },
    }
    const stop = new AbortController()
    this.#running = { run, stop }
    this.#runs = [run, ...this.#runs].slice(0, MAX_RUNS)
    this.#grow(run)
    void this.#carryOut(run, asked, stop.signal)
    return run
  }

  async #carryOut(run: Growing, asked: AttackToRun, signal: AbortSignal): Promise<void> {
    const progress = {
      began: (runId: string) => {
        run.run_ids = [...run.run_ids, runId]
        this.#grow(run)
      },
      line: (line: Omit<AttackRun['lines'][number], 'at'>) => {
        run.lines = [...run.lines.slice(1 - MAX_LINES), { at: Date.now(), ...line }]
        this.#grow(run)
      },
    }
    try {
      run.ok = await this.#port.run(asked, progress, signal)
    } catch (error) {
      run.ok = false
      run.error = signal.aborted ? 'stopped' : error instanceof Error ? error.message : String(error)
    }
    run.ended_at = Date.now()
    this.#running = undefined
    this.#grow(run)
  }

  #grow(run: Growing): void {
    if (!this.#hub.reads('attack')) return
    this.#changed.add(run)
    this.#hub.mark('attack')
  }
}
