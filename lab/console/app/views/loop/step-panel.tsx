import type { TraceStep } from '../../../api.ts'
import { durationOf, offsetOf, timeOf } from '../../format.ts'
import { FileLink } from '../../ui/file-link.tsx'
import { Raw } from '../../ui/raw.tsx'
import type { Lane } from './lanes.ts'

/** What was sent, received or logged in the steps of one row, and the files that decided it. */
export function StepPanel({ lane, origin }: { lane: Lane; origin: number }) {
  const files = [...new Set(lane.steps.flatMap((step) => step.files))]
  return (
    <div class="step-panel">
      {lane.steps.length === 1
        ? lane.steps.map((step) => <Step key={step.at} step={step} origin={origin} />)
        : lane.steps.map((step, index) => (
            <details key={index} open={index === lane.steps.length - 1}>
              <summary>
                <span class="mono">{offsetOf(step.at - origin)}</span> {step.title}
              </summary>
              <Step step={step} origin={origin} />
            </details>
          ))}
      {files.length > 0 && (
        <div class="decided">
          <h3>Decided by</h3>
          <ul>
            {files.map((path) => (
              <li key={path}>
                <FileLink path={path} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  )
}

function Step({ step, origin }: { step: TraceStep; origin: number }) {
  return (
    <div class="step">
      <p class="muted">
        {timeOf(step.at)} ({offsetOf(step.at - origin)}){step.ms !== undefined && `, took ${durationOf(step.ms)}`}
      </p>
      {step.raw.map(({ label, text }) => (
        <Raw key={label} label={label} text={text} />
      ))}
    </div>
  )
}
