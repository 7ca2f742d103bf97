/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

// Says under a form that its answer takes long, and sends a form once: a second press would be a second attempt.
// Without script the browser shows that the page loads.
const WAIT_MS = 1_000

const reset = new Map<HTMLFormElement, () => void>()

for (const form of document.querySelectorAll<HTMLFormElement>('form[method="post"]')) {
  form.addEventListener('submit', (event) => {
    if (reset.has(form)) return event.preventDefault()
    const status = document.createElement('p')
    status.className = 'hint pending'
    status.setAttribute('role', 'status')
    form.append(status)
    const timer = setTimeout(() => {
      status.textContent = 'Still working. The answer takes longer than usual.'
    }, WAIT_MS)
    reset.set(form, () => {
      clearTimeout(timer)
      status.remove()
    })
  })
}

// A page from the history of the browser is as it was left.
addEventListener('pageshow', () => {
  for (const undo of reset.values()) undo()
  reset.clear()
})
