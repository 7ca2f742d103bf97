/// <reference lib="dom" />

// The mail's link holds its code behind a `#`, where no server and no log sees it. It goes into the form, and out of the
// address bar and the history; without script a person copies it.
const field = document.querySelector<HTMLInputElement>('input[name="token"]')
const code = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
if (field && code) {
  field.value = code
  const row = field.closest<HTMLElement>('.field')
  if (row) row.hidden = true
  history.replaceState(null, '', location.pathname)
  document.querySelector<HTMLInputElement>('input[name="password"]')?.focus()
}
