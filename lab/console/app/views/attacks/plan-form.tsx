import { useSignalEffect } from '@preact/signals'
import type { AttackAsked, AttackView } from '../../../api.ts'
import { route } from '../../route.ts'
import { Choice, Fault, Field, onSubmit } from '../kit/parts.tsx'
import { MineCheck, MineFields } from './mine-fields.tsx'
import { askedOf, canRob, fault, isAsking, type Plan, plan, planFor, running, start } from './state.ts'

const PACES = [
  { value: '0', text: 'As fast as it is' },
  { value: '500', text: 'Half a second between steps' },
  { value: '1000', text: 'A second between steps' },
  { value: '2000', text: 'Two seconds between steps' },
  { value: '5000', text: 'Five seconds between steps' },
]
const SEED_MAX = 2 ** 32 - 1

const TARGETS = [
  { value: 'web', text: 'Web' },
  { value: 'functions', text: 'Functions' },
  { value: 'both', text: 'Both' },
] as const

/** What to run, against what and how. */
export function PlanForm({ attack }: { attack: AttackView }) {
  // "Rob this one" of another view names the session.
  useSignalEffect(() => {
    const { sid } = route.value.query
    if (sid) plan.value = { ...plan.peek(), kind: 'attack', mine: true, sid }
  })
  const asked = planFor(attack, plan.value)
  const set = (change: Partial<Plan>) => {
    plan.value = { ...asked, ...change }
  }
  const canTarget = (target: AttackAsked['target']) =>
    asked.mine ? target === 'web' : target === 'both' ? attack.targets.length > 1 : attack.targets.includes(target)
  return (
    <form class="plan" onSubmit={onSubmit(() => void start(askedOf(attack, asked)))} aria-label={`Run ${attack.slug}`}>
      <div class="plan-choices">
        <Choice
          legend="Run"
          name="kind"
          value={asked.kind}
          options={[
            { value: 'attack', text: 'The attack' },
            { value: 'twin', text: 'Its benign twin' },
          ]}
          onChoose={(kind) => set({ kind })}
        />
        <Choice
          legend="On"
          name="target"
          value={asked.target}
          options={TARGETS.map((target) => ({ ...target, disabled: !canTarget(target.value) }))}
          onChoose={(target) => set({ target })}
        />
        {canRob(attack) && asked.kind === 'attack' && <MineCheck plan={asked} set={set} />}
      </div>
      {asked.mine && <MineFields plan={asked} set={set} />}
      <div class="plan-run">
        <Field label="Pace">
          <select value={asked.pace} onChange={({ currentTarget }) => set({ pace: currentTarget.value })}>
            {PACES.map(({ value, text }) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Seed">
          <input
            type="number"
            min={0}
            max={SEED_MAX}
            step={1}
            placeholder="by chance"
            title="The same seed chooses the same people and addresses"
            value={asked.seed}
            onInput={({ currentTarget }) => set({ seed: currentTarget.value })}
          />
        </Field>

        <button type="submit" class="button" disabled={isAsking.value || running.value !== undefined}>
          {asked.mine ? 'Rob my session' : asked.kind === 'twin' ? 'Run the twin' : 'Run the attack'}
        </button>
        {running.value && <span class="muted">One runs already: {running.value.slug}.</span>}
      </div>
      {fault.value !== undefined && <Fault>{fault.value}</Fault>}
    </form>
  )
}
