import { createHash } from 'node:crypto'
import { darkRules } from '../../svg-colors.ts'
import { Html, html, type Part } from './html.ts'

const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#202124;--muted:#5f6368;--line:#dadce0;--shade:#f6f7f8;--good:#1e7b34;--bad:#b3261e;--link:#1a56b0}
@media screen and (prefers-color-scheme:dark){:root{--paper:#1b1e23;--ink:#e8eaed;--muted:#a9afb6;--line:#3c4149;--shade:#23272d;--good:#81c995;--bad:#f28b82;--link:#8ab4f8}${darkRules()}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.2rem;margin:2rem 0 .5rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.25rem 0 .25rem}
p,ul,ol,dl{margin:.4rem 0}
a{color:var(--link)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem}
dt{color:var(--muted)}
dd{margin:0}
pre{margin:.5rem 0;padding:.5rem .75rem;background:var(--shade);font:.85rem/1.45 ui-monospace,monospace;white-space:pre-wrap}
.wide{overflow-x:auto;margin:.5rem 0}
.wide:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.chart svg{display:block;width:100%;min-width:40rem;height:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.3rem .75rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
td{min-width:5rem}
td:first-child{min-width:7rem}
th{color:var(--muted);font-weight:600;white-space:nowrap}
ol.story{list-style:none;padding:0;font-size:.9rem}
ol.story li{display:grid;grid-template-columns:10rem 1fr;gap:.75rem;padding:.15rem 0}
time,.who{color:var(--muted);font-variant-numeric:tabular-nums}
.muted{color:var(--muted)}
.good{color:var(--good);font-weight:600}
.bad{color:var(--bad);font-weight:600}
@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}ol.story li{grid-template-columns:1fr;gap:0;padding:.3rem 0}}
@media print{:root{--paper:#fff;--ink:#000}main{max-width:none;padding:0}.wide{overflow:visible}.chart svg{min-width:0}h2,h3{break-after:avoid}.chart,tr{break-inside:avoid}a{color:inherit}}
`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/**
 * One page that needs no other file, no network and no script. Its policy lets a browser load nothing at all, besides its own style.
 * @param title plain text
 */
export const page = (title: string, body: Part): string =>
  `${html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`}`
