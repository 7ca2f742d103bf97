import fc from 'fast-check'
import { expect, test } from 'vitest'
import { html } from './html.ts'

test('text is escaped, for content and for quoted attributes', () => {
  const hostile = `<script>alert("1")</script>' onload='x' &amp;`
  expect(html`<p title="${hostile}">${hostile}</p>`.toString()).toBe(
    '<p title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39; onload=&#39;x&#39; &amp;amp;">' +
      '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39; onload=&#39;x&#39; &amp;amp;</p>',
  )
})

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

test('no text of any kind leaves its quotes or opens a tag', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const inside = html`${text}`.toString()
      expect(inside).not.toMatch(/[<>"']/)
      const decoded = inside.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => {
        return ENTITIES[name] ?? ''
      })
      expect(decoded).toBe(text)
    }),
  )
})

test('a template inside a template is not escaped twice, and a list needs no join', () => {
  const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`)
  expect(html`<ul>${items}</ul>`.toString()).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul>')
})

test('absent values print nothing, and zero is not absent', () => {
  expect(html`[${undefined}${false}${0}]`.toString()).toBe('[0]')
})
