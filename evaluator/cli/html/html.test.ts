import fc from 'fast-check'
import { expect, test } from 'vitest'
import { html, table } from './html.ts'
import { page } from './page.ts'

/** Text in elements and quoted attributes that can neither end them nor begin anything. */
const INERT = /^(?:[^<>"'&]|&(?:amp|lt|gt|quot|#39);)*$/

test('no text can become markup, whatever is in it', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...`<>"'&;/#a \n\u202e`) })),
      (text) => {
        const shown = html`${text}`.toString()
        expect(shown).toMatch(INERT)
        expect(shown).not.toMatch(/\p{C}/u)
        expect(html`<a title="${text}">${[text, [text]]}</a>`.toString()).toBe(
          `<a title="${shown}">${shown}${shown}</a>`,
        )
        expect(table(text, [text], [[text]]).toString()).toContain(`<td>${shown}</td>`)
      },
    ),
  )
})

test('markup in markup stays, numbers are shown, and nothing stands for what is absent', () => {
  expect(html`<p>${html`<b>${1}</b>`}${null}${undefined}${false}${''}${0}</p>`.toString()).toBe('<p><b>1</b>0</p>')
})

test('a page may load nothing: its policy allows its own style by its hash, and no script', () => {
  const text = page('</title><script>', html`<p>a</p>`)
  expect(text).toContain(`content="default-src 'none'; style-src 'sha256-`)
  expect(text).toContain('<title>&lt;/title&gt;&lt;script&gt;</title>')
  expect(text).not.toMatch(/<script|javascript:|\bsrc=|@import|url\(|unsafe-inline| style="/)
})
