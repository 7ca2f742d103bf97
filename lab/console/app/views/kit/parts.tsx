import type { ComponentChildren, JSX } from 'preact'
import { clockOf, timeOf } from '../../format.ts'

/** A fault, read out at once. */
export const Fault = ({ children }: { children: ComponentChildren }) => (
  <p class="fault" role="alert">
    {children}
  </p>
)

/** An instant: the time of day, and all of it in UTC on hover. @param short to the second */
export const Time = ({ at, short = false }: { at: number; short?: boolean }) => {
  const iso = new Date(at).toISOString()
  return (
    <time class="mono" dateTime={iso} title={iso}>
      {short ? clockOf(at) : timeOf(at)}
    </time>
  )
}

interface FieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly class?: string
  readonly children: ComponentChildren
}

/** A control with its label above it. */
export const Field = ({ label, hint, class: name = '', children }: FieldProps) => (
  // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
  <label class={`field ${name}`}>
    <span class="field-label">{label}</span>
    {children}
    {hint && <span class="field-hint muted">{hint}</span>}
  </label>
)

interface ChoiceProps<T extends string> {
  readonly legend: string
  /** Whether only screen readers get the legend. */
  readonly unseen?: boolean
  readonly name: string
  readonly value: T
  readonly options: readonly { readonly value: T; readonly text: string; readonly disabled?: boolean }[]
  readonly onChoose: (value: T) => void
}

/** A few options of which one is chosen, side by side. */
export const Choice = <T extends string>({
  legend,
  unseen = false,
  name,
  value,
  options,
  onChoose,
}: ChoiceProps<T>) => (
  <fieldset class="choice">
    <legend class={unseen ? 'sr-only' : 'field-label'}>{legend}</legend>
    <div class="choice-row">
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            disabled={option.disabled ?? false}
            onChange={() => onChoose(option.value)}
          />
          <span>{option.text}</span>
        </label>
      ))}
    </div>
  </fieldset>
)

/** The handler of a form that a script sends. @param act receives the value of the button that was pressed */
export const onSubmit =
  (act: (pressed: string) => void): JSX.SubmitEventHandler<HTMLFormElement> =>
  (event) => {
    event.preventDefault()
    act(event.submitter instanceof HTMLButtonElement ? event.submitter.value : '')
  }
