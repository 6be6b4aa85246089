"""The style sheet of a report: for a screen, a phone, a dark room and paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1d2127; --soft: #59616b; --page: #ffffff; --line: #d9dde2; --box: #f4f6f8;
  --link: #0b5394; --bad: #f7d6d0; --open: #fbf0cd; --dot: #c8553d; --bar: #1b6ca8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ea; --soft: #a3abb4; --page: #15181c; --line: #363c44; --box: #20252b; --link: #8ab8ea;
    --bad: #5a2620; --open: #4a3f16; --dot: #f08a72; --bar: #6aaee0; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 64rem;
  margin: 1.5rem auto 4rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 0.2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 0.6rem; padding-bottom: 0.2rem; border-bottom: 2px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.6rem 0 0.3rem; }
h4 { font-size: 0.9rem; margin: 0 0 0.2rem; }
p, ul { margin: 0.4rem 0; max-width: 46rem; } a { color: var(--link); }
.lead { font-size: 1.1rem; } .warning { background: var(--open); padding: 0.4rem 0.7rem; }
.sub, .note, caption { color: var(--soft); font-size: 0.86rem; }
.t { overflow-x: auto; margin: 0.5rem 0; }
table { border-collapse: collapse; font-size: 0.86rem; } caption { text-align: left; padding: 0 0 0.25rem; }
td, th { border-bottom: 1px solid var(--line); padding: 0.2rem 0.9rem 0.2rem 0; text-align: left;
  vertical-align: top; overflow-wrap: break-word; max-width: 26rem; }
th { border-bottom: 2px solid var(--line); font-weight: 600; vertical-align: bottom; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.n { white-space: normal; }
td.h { font: 0.75rem/1.6 ui-monospace, monospace; overflow-wrap: anywhere; min-width: 11rem; max-width: 28rem; }
td.w { overflow-wrap: anywhere; min-width: 14rem; max-width: 34rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0.8rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
nav { background: var(--box); padding: 0.6rem 1rem; margin: 1.5rem 0; } nav ul { columns: 17rem; padding: 0;
  list-style: none; max-width: none; } nav li { break-inside: avoid; margin: 0.15rem 0; }
nav .sub a { color: var(--soft); }
code { font: 0.88em ui-monospace, monospace; background: var(--box); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--box); padding: 0.5rem; font-size: 0.82rem;
  margin: 0; }
.abreast { display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 0.6rem 0 1.4rem; }
.abreast > div { flex: 1 1 18rem; min-width: 0; max-width: 32rem; }
details { margin: 0.6rem 0; } summary { cursor: pointer; color: var(--link); font-weight: 600; }
svg { max-width: 100%; height: auto; display: block; margin: 0.6rem 0; }
svg text:not(.sign) { fill: var(--ink); } .grid { stroke: var(--line); } .tick { stroke: var(--ink); }
.bar { stroke: var(--bar); } .dot { fill: var(--dot); }
.failed { background: var(--bad); } .unchecked, .unknown, .withheld { background: var(--open); }
@media (max-width: 40rem) { body { margin-top: 0.8rem; } dl { grid-template-columns: 1fr; gap: 0; }
  dt { margin-top: 0.5rem; } h1 { font-size: 1.3rem; } }
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --page: #fff; --line: #bbb; --box: #f4f4f4; --link: #000;
    --bad: #f7d6d0; --open: #fbf0cd; --dot: #c8553d; --bar: #1b6ca8; }
  @page { margin: 18mm 15mm; }
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; } a { text-decoration: none; }
  nav .sub, nav br { display: none; } .t { overflow: visible; }
  thead { display: table-header-group; } tr, svg, pre, nav li { break-inside: avoid; }
  h2, h3, h4, caption { break-after: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""
