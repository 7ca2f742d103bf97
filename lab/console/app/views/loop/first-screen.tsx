import { live } from '../../live.ts'
import { hasMine } from '../../mine.ts'
import { hrefOf } from '../../route.ts'
import { STEAL } from '../../run-attack.ts'
import { LABELS, MEANINGS, ORDER } from './lanes.ts'
import { canAttack, RunButton, Running } from './run.tsx'

/** Before anything was attacked: one sentence, one button, and what will be seen. */
export function FirstScreen() {
  const info = live.info.value
  const mine = hasMine()
  return (
    <section class="first">
      <h2>
        {mine
          ? 'You are signed in: steal your own session, and watch the lab see it, end it and refuse the thief.'
          : 'Nothing has been attacked yet: steal a session, and watch the lab see it, end it and refuse the thief.'}
      </h2>
      {canAttack() && (
        <p class="first-actions">
          <RunButton asked={mine ? { ...STEAL, mine: {} } : STEAL}>
            {mine ? 'Steal my session' : 'Steal an invented person’s session'}
          </RunButton>
          {mine && (
            <RunButton asked={STEAL} quiet>
              Steal an invented person’s session
            </RunButton>
          )}
          <a class="button quiet" href={hrefOf('attacks')}>
            Choose another attack
          </a>
        </p>
      )}
      {!canAttack() && (
        <p>
          Type <code>npm run attack -- run session-reuse</code> in a second terminal.
        </p>
      )}
      <Running />
      {info?.can.includes('mine') && !mine && (
        <p class="muted">
          To see it happen to you, first{' '}
          <a href={`${info.urls.web}/register`} target="_blank" rel="noreferrer">
            create an account and sign in
          </a>
          . This page then offers your session.
        </p>
      )}
      <ol class="first-steps card" aria-label="What you will see, in about a tenth of a second">
        {ORDER.map((name) => (
          <li key={name} class={`lane ${name}`}>
            <span class="first-mark" aria-hidden="true" />
            <strong>{LABELS[name]}</strong>
            <span class="muted">{MEANINGS[name]}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
