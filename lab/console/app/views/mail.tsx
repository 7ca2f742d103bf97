import { useEffect } from 'preact/hooks'
import type { Mail } from '../../api.ts'
import { live } from '../live.ts'
import { hrefOf, route } from '../route.ts'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { Fault, Field, Time } from './kit/parts.tsx'
import { fault, isAbout, mails, piecesOf, search, watchMail } from './mail/state.ts'

/** The mail that the lab would have sent. */
export function MailView() {
  useEffect(watchMail, [])
  const all = mails.value
  return (
    <div class="view">
      <ViewHead title="Mail" sub="All mail that the lab would have sent. Nothing leaves this machine." />
      {fault.value !== undefined && <Fault>{fault.value}</Fault>}
      {all?.length === 0 && (
        <EmptyState title="No mail yet">
          <p>
            Accounts send it: a new address is confirmed by a link, and a password is reset by one.{' '}
            <a href={`${live.info.value?.urls.web ?? ''}/register`} target="_blank" rel="noreferrer">
              Create an account.
            </a>
          </p>
        </EmptyState>
      )}
      {all && all.length > 0 && <Mailbox all={all} />}
    </div>
  )
}

function Mailbox({ all }: { all: readonly Mail[] }) {
  const shown = all.filter((mail) => isAbout(mail, search.value))
  const { id } = route.value.query
  const opened = shown.find((mail) => String(mail.id) === id) ?? shown[0]
  return (
    <div class="sides" data-chosen={id !== undefined}>
      <div class="sides-list">
        <Field label="Search mail">
          <input
            type="search"
            value={search.value}
            placeholder="an address or a word"
            autocomplete="off"
            onInput={({ currentTarget }) => {
              search.value = currentTarget.value
            }}
          />
        </Field>
        <nav class="card" aria-label="Mail, newest first">
          {shown.length === 0 && <p class="muted sides-none">No mail matches.</p>}
          <ul>
            {shown.map((mail) => (
              <li key={mail.id}>
                <a
                  class="sides-item"
                  href={hrefOf('mail', { id: String(mail.id) })}
                  aria-current={mail === opened ? 'true' : undefined}
                >
                  <span class="sides-title">{mail.subject}</span>
                  <span class="sides-sub">
                    {mail.to.join(', ')} · <Time at={Date.parse(mail.at)} short />
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <div class="sides-main">
        <a class="sides-back" href={hrefOf('mail')}>
          All mail
        </a>
        {opened && <Reader mail={opened} />}
      </div>
    </div>
  )
}

const Reader = ({ mail }: { mail: Mail }) => (
  <article class="card mail" aria-labelledby="mail-title">
    <h2 id="mail-title">{mail.subject}</h2>
    <p class="muted">
      From {mail.from} to {mail.to.join(', ')}, at <Time at={Date.parse(mail.at)} />
    </p>
    <p class="mail-text">
      {piecesOf(mail.text.trim()).map(({ text, isLink }, at) =>
        isLink ? (
          <a key={at} href={text} target="_blank" rel="noreferrer">
            {text}
          </a>
        ) : (
          text
        ),
      )}
    </p>
  </article>
)
