"""`decision.html`: a promotion decision for people, as one file without outside resources. Registration runs without jinja2."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pipeline.registry.decision_table import NUMBERS, DecisionRow, decision_rows, headings, price, seed_lines

if TYPE_CHECKING:
    from pipeline.registry.ledger_entry import LedgerEntry

STYLE = """
:root { color-scheme: light dark; --soft: light-dark(#5b6472, #9aa4b2); --line: light-dark(#e2e6ec, #2b323c);
  --card: light-dark(#fff, #161b22); --good: light-dark(#1a7f37, #3fb950); --bad: light-dark(#cf222e, #f85149); }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#f6f7f9, #0d1117); }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1rem; } h1 { font-size: 1.5rem; margin: 0 0 .3rem; }
p { color: var(--soft); margin: .3rem 0 .8rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); } .number { text-align: right; white-space: nowrap; }
.met { color: var(--good); } .not { color: var(--bad); font-weight: 600; }
"""


def render_decision(model: str, entry: LedgerEntry) -> str:
    """Render the page.

    Args:
        model: the registered name.
        entry: the decision. The same entry gives the same bytes.
    """
    title = f"{model} version {entry.challenger.version} was {entry.decision.value.replace('_', ' ')}"
    against = f"against the champion of ledger entry {entry.against}" if entry.against else "without a champion"
    when = f"Ledger entry {entry.number}, {entry.time:%Y-%m-%d %H:%M} UTC, run {entry.run}, {against}."
    why = "".join(f"<li>{escape(reason)}</li>" for reason in entry.reasons)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head>\n'
        f"<body><main>\n<h1>{escape(title)}</h1>\n<p>{escape(when)}</p>\n{_table(entry)}<ul>{why}</ul>\n</main></body></html>\n"
    )


def _table(entry: LedgerEntry) -> str:
    """The rules; nothing for a decision without rules."""
    if not entry.rules:
        return ""
    rows = [_line("th", headings(entry)), *(_line("td", row) for row in decision_rows(entry))]
    notes = [*seed_lines(entry), *([price(entry)] if entry.comparison else [])]
    note = "".join(f"<p>{escape(line)}</p>\n" for line in notes)
    return '<div class="card"><table>\n' + "\n".join(rows) + f"\n</table></div>\n{note}"


def _line(tag: str, row: DecisionRow) -> str:
    classes = dict.fromkeys(NUMBERS, "number") | {"verdict": row.verdict.partition(" ")[0]}
    cells = (f'<{tag} class="{classes.get(name, "")}">{escape(text)}</{tag}>' for name, text in row._asdict().items())
    return f"<tr>{''.join(cells)}</tr>"
