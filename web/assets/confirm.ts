/// <reference lib="dom" />

// The link in the mail has its code in the fragment, which no server or log sees. This script moves the code into the
// form and removes it from the address bar and the history. Without script a person copies it.
const field = document.querySelector<HTMLInputElement>('input[name="token"]')
const code = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
if (field && code) {
  field.value = code
  const row = field.closest<HTMLElement>('.field')
  if (row) row.hidden = true
  history.replaceState(null, '', location.pathname)
  document.querySelector<HTMLInputElement>('input[name="password"]')?.focus()
}
