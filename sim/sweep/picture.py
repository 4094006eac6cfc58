"""A sweep as a picture: a line for each app and variant, a column for each board. SVG with its colours in it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sim.sweep.row import Row

_LEFT, _TOP, _WIDE, _HIGH = 250, 58, 148, 50
_STYLE = """
svg { font: 12px system-ui, sans-serif; background: #fff } .big { font-size: 15px }
text { fill: #1c2833 } .faint { fill: #6b7785 } .none { fill: #e4e7eb }
.h0 { fill: #b9d9f2 } .h1 { fill: #93c3ea } .h2 { fill: #f4d58d } .h3 { fill: #f0a58f } .lost { fill: #b03a2e }
@media (prefers-color-scheme: dark) {
  svg { background: #14191e } text { fill: #e6e9ed } .faint { fill: #98a3af } .none { fill: #2c343c }
  .h0 { fill: #1f5b8a } .h1 { fill: #1a4a70 } .h2 { fill: #7a5a12 } .h3 { fill: #7f3325 } .lost { fill: #ff9d8c }
}
"""


def picture(rows: Sequence[Row]) -> str:
    """The SVG. In a field: accuracy, and the largest latency; grey: refused, the reason is its tooltip."""
    boards = list(dict.fromkeys(r.board for r in rows))
    lines = list(dict.fromkeys(_line(r) for r in rows))
    both = [_variants(rows, line) for line in lines]
    width, height = _LEFT + len(boards) * _WIDE + 10, _TOP + len(lines) * _HIGH + 34
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="accuracy on each board"><title>accuracy on each board</title><style>{_STYLE}</style>'
    ]
    out.append('<text class="big" x="10" y="24">Accuracy on the board</text>')
    for b, board in enumerate(boards):
        x = _LEFT + b * _WIDE + _WIDE / 2
        clock = next((r.clock_hz for r in rows if r.board == board and r.clock_hz), None)
        out.append(f'<text x="{x:.0f}" y="{_TOP - 22}" text-anchor="middle">{escape(board)}</text>')
        if clock:
            out.append(
                f'<text class="faint" x="{x:.0f}" y="{_TOP - 7}" text-anchor="middle">{clock / 1e6:g} MHz</text>'
            )
    for n, (app, variant) in enumerate(both):
        y = _TOP + n * _HIGH
        out.append(f'<text x="10" y="{y + 20}">{escape(app)}</text>')
        out.append(f'<text class="faint" x="10" y="{y + 36}">{escape(variant[:38])}</text>')
        for b, board in enumerate(boards):
            for row in rows:
                if _line(row) == lines[n] and row.board == board:
                    out += _field(row, _LEFT + b * _WIDE, y)
    note = "below: largest latency from the last sample of a window; grey: refused (the reason is the tooltip)"
    out.append(f'<text class="faint" x="10" y="{height - 12}">{note}</text></svg>\n')
    return "".join(out)


def _line(row: Row) -> tuple[str, ...]:
    return row.app, row.model, row.tree, row.kernels, row.engine


def _variants(rows: Sequence[Row], line: tuple[str, ...]) -> tuple[str, str]:
    mine = [r for r in rows if _line(r) == line]
    return mine[0].app, ", ".join(mine[0].variant)


def _field(row: Row, x: float, y: float) -> list[str]:
    said = row.reason or _said(row)
    kind = "none" if row.accuracy is None else _colour(row.accuracy)
    out = [
        f"<g><title>{escape(f'{row.app} on {row.board}: {said}')}</title>"
        f'<rect class="{kind}" x="{x + 2:.0f}" y="{y + 2:.0f}" width="{_WIDE - 4}" height="{_HIGH - 4}" rx="4"/>'
    ]
    middle = x + _WIDE / 2
    if row.accuracy is None:
        out.append(
            f'<text class="faint" x="{middle:.0f}" y="{y + 30:.0f}" text-anchor="middle">{row.outcome}</text></g>'
        )
        return out
    late = "" if row.latency_max is None else f"{1e3 * row.latency_max:.1f} ms"
    lost = f" · {row.lost_samples} lost" if row.lost_samples else ""
    out.append(
        f'<text class="big" x="{middle:.0f}" y="{y + 23:.0f}" text-anchor="middle">{100 * row.accuracy:.1f} %</text>'
    )
    out.append(f'<text class="{"lost" if lost else "faint"}" x="{middle:.0f}" y="{y + 40:.0f}" text-anchor="middle">'
               f"{late}{lost}</text></g>")  # fmt: skip
    return out


def _said(row: Row) -> str:
    different = "" if row.decisions_different is None else (
        f"; {row.decisions_different} of {row.decisions_compared} decisions differ from the host"
    )  # fmt: skip
    return f"{row.right} of {row.recordings} right{different}"


def _colour(accuracy: float) -> str:
    return "h0" if accuracy >= 0.95 else "h1" if accuracy >= 0.9 else "h2" if accuracy >= 0.75 else "h3"
