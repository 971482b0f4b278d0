"""The style of a report's page: light, dark, phone, print. One style sheet, allowed by its hash."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --paper: #fff; --panel: #f4f6f8; --line: #c9d1d9;
  --bar: #2f6fb2; --bad: #b3261e; --warn: #835600; --good: #1a6b33; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3adb8; --paper: #14181d; --panel: #1e242b;
  --line: #3b444e; --bar: #76b0ea; --bad: #ff9c94; --warn: #f0bd62; --good: #7ed695; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem;
  margin: 0 auto; padding: 1rem clamp(.8rem, 3vw, 2rem) 3rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .6rem 0; } h2 { font-size: 1.25rem; margin: 0 0 .3rem; }
section { margin-top: 2.2rem; } p { margin: .3rem 0; } .about { color: var(--soft); }
a { color: inherit; text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--bar); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--paper);
  padding: .4rem .8rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0; margin: .8rem 0 0; list-style: none; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .6rem; margin: .8rem 0; }
.figures div { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .5rem .8rem;
  display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.figures dt { color: var(--soft); font-size: .9rem; }
.figures dd { margin: 0; font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 1.5rem; margin-top: 1.2rem; }
figure { margin: 0; } figcaption { font-weight: 650; margin-bottom: .2rem; }
svg { display: block; width: 100%; max-width: 32rem; height: auto; } svg rect { fill: transparent; }
svg .series rect { fill: var(--bar); } #calendar .series rect:last-of-type { fill: var(--bad); }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg line { stroke: var(--line); }
details { margin: .3rem 0; } summary { cursor: pointer; color: var(--soft); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-top: 1px solid var(--line);
  overflow-wrap: break-word; unicode-bidi: isolate; min-width: 4.5rem; }
thead th { background: var(--panel); border-top: 0; white-space: nowrap; }
td.long { min-width: 15rem; } td.name { min-width: 13rem; } td.short { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: .95em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.bad { color: var(--bad); font-weight: 600; } .warn { color: var(--warn); font-weight: 600; }
.good { color: var(--good); }
@media (max-width: 56rem) { .charts { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 34rem) { body { font-size: 15px; } .figures { grid-template-columns: 1fr 1fr; }
  .figures dd { font-size: 1.25rem; } }
@media print {
  :root { --ink: #000; --soft: #333; --paper: #fff; --panel: #eee; --line: #999; --bar: #444; --bad: #900;
    --warn: #640; --good: #060; }
  body { font-size: 9.5pt; max-width: none; padding: 0; } nav, .skip, details { display: none; }
  .scroll { overflow: visible; border: 0; } table { font-size: 8pt; } th, td { padding: .15rem .3rem; min-width: 0; }
  td.long, td.name { min-width: 0; } td.short { white-space: normal; }
  thead { display: table-header-group; } tr, figure, .figures div { break-inside: avoid; }
  h2, .about { break-after: avoid; } svg { max-width: 24rem; }
  section { margin-top: 1.2rem; } @page { margin: 14mm; }
}
"""
