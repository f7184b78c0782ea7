"""What the pages look like, in light and dark mode."""

STYLE = """
:root { color-scheme: light dark; --soft: light-dark(#5b6472, #9aa4b2); --line: light-dark(#e2e6ec, #2b323c);
  --card: light-dark(#fff, #161b22); --accent: light-dark(#2f6feb, #6ea0ff); --good: light-dark(#1a7f37, #3fb950);
  --bad: light-dark(#cf222e, #f85149); --ask: light-dark(#9a6700, #d29922); }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#f6f7f9, #0d1117); color: light-dark(#1f2328, #e6edf3); }
main { max-width: 76rem; margin: 0 auto; padding: 2rem 1rem 4rem; } h1 { font-size: 1.6rem; margin: 0 0 .2rem; }
h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem; } a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
p { margin: .3rem 0; } .soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .6rem 1.2rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; } th { color: var(--soft); font-weight: 600; }
.number { text-align: right; white-space: nowrap; } .keep { white-space: nowrap; }
.promoted, .finished, .rolled_back { color: var(--good); } .refused, .failed, .rejected, .killed { color: var(--bad); }
.proposed, .running, .ask { color: var(--ask); } .ask { font-weight: 600; }
svg.spark { display: block; width: 9rem; height: 2.2rem; }
"""
