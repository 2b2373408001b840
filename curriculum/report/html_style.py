"""How a report in HTML looks: light or dark, on a wide screen, a phone and paper."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --page: #fdfdfc; --soft: #5b5b5b;
  --line: #d8d8d4; --band: #f2f2ee; --helped: #00674b; --hurt: #a84300;
  --shade: rgb(0 0 0 / 28%); }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e3; --page: #16181a; --soft: #a9a9a4;
  --line: #3a3d40; --band: #1f2224; --helped: #4fd1a5; --hurt: #ff9d5c;
  --shade: rgb(255 255 255 / 32%); } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; color: var(--ink);
  background: var(--page); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.3rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1.05rem; margin: 1.8rem 0 .4rem; }
h1, h2, li, p { overflow-wrap: anywhere; }
.headline { font-size: 1.1rem; }
.scroll { overflow-x: auto; margin: 1rem 0; background:
  linear-gradient(to right, var(--page) 40%, transparent) left / 3rem 100% no-repeat local,
  linear-gradient(to left, var(--page) 40%, transparent) right / 3rem 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / 1rem 100% no-repeat scroll,
  linear-gradient(to left, var(--shade), transparent) right / 1rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 2rem); }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top; }
th:first-child, .words { text-align: left; }
td.words { white-space: normal; min-width: 11rem; }
th:first-child { position: sticky; left: 0; }
tbody th { font-weight: 600; background: var(--page); }
thead th { background: var(--band); }
.dense { font-size: .8rem; }
.dense th, .dense td { white-space: normal; padding: .3rem .25rem; }
.dense th:first-child { min-width: 5.5rem; }
.long td { white-space: normal; overflow-wrap: anywhere; }
.long td, .long th { text-align: left; }
.helped { color: var(--helped); }
.hurt { color: var(--hurt); }
figure { margin: 1.2rem 0; break-inside: avoid; }
figure svg { display: block; width: 100%; min-width: 34rem; height: auto; }
figcaption, footer, .terms { color: var(--soft); font-size: .9rem; }
.terms { padding-left: 1.2rem; }
summary { cursor: pointer; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .6rem; }
:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
@media (max-width: 50rem) { td.words { white-space: nowrap; }
  th:first-child { white-space: normal; min-width: 6.5rem; } }
@media print { :root { --ink: #000; --page: #fff; --soft: #333; --line: #bbb; --band: #eee;
  --helped: #00533c; --hurt: #8a3700; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  .scroll { overflow: visible; background: none; } figure svg { min-width: 0; } tr, li { break-inside: avoid; }
  table { font-size: 7.5pt; } th, td { padding: .1rem .3rem; } h2, h3 { break-after: avoid; } }
"""
