"""The table as a picture: a panel a figure, a bar a step. One SVG file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from sim.compress.compress import Compression
from sim.compress.judge import OnBoard, Row
from sim.report.quantity import shown

_WIDE, _BAR, _HEAD, _GAP, _COLUMNS = 470, 19, 30, 18, 2
_STYLE = """
.card { fill: #ffffff; } .bar { fill: #2563b0; } .track { fill: #e6eaef; }
text { font: 12px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: #16202c; }
.title { font-size: 15px; font-weight: 600; } .name { font-weight: 600; } .soft { fill: #5a6775; }
@media (prefers-color-scheme: dark) {
  .card { fill: #181f27; } .bar { fill: #6cb0ff; } .track { fill: #2a333d; }
  text { fill: #e6ebf1; } .soft { fill: #9aa7b5; }
}
"""


def _board(read: Callable[[OnBoard], float | None]) -> Callable[[Row], float | None]:
    return lambda row: None if row.board is None else read(row.board)


# title, unit, value of a row (None: not known)
PANELS: Sequence[tuple[str, str, Callable[[Row], float | None]]] = (
    ("accuracy", "%", lambda r: 100 * r.accuracy),
    ("coded weights, bytes to send", "B", lambda r: float(r.size.coded)),
    (".tflite, bytes", "B", lambda r: float(len(r.tflite))),
    ("flash of the image, bytes", "B", _board(lambda b: b.flash)),
    ("arena (RAM), bytes", "B", _board(lambda b: b.arena)),
    ("cycles of an inference", "cycles", _board(lambda b: b.cycles)),
    ("energy of an inference, estimated", "J", _board(lambda b: b.joules)),
)


def svg(result: Compression, title: str) -> str:
    """The picture of a compression, an SVG document."""
    steps = result.rows
    panels = [p for p in PANELS if any(p[2](r) is not None for r in steps)]
    high = _HEAD + len(steps) * _BAR + _GAP
    width = _COLUMNS * (_WIDE + _GAP) + _GAP
    height = 44 + -(-len(panels) // _COLUMNS) * high
    out = [f'<rect class="card" width="{width}" height="{height}"/>',
           f'<text class="title" x="{_GAP}" y="28">{escape(title)}</text>']  # fmt: skip
    for i, (name, unit, read) in enumerate(panels):
        left, top = _GAP + (i % _COLUMNS) * (_WIDE + _GAP), 44 + (i // _COLUMNS) * high
        out.append(f'<text class="name" x="{left}" y="{top + 18}">{escape(name)}</text>')
        values = [read(r) for r in steps]
        most = max([v for v in values if v is not None] or [1.0]) or 1.0
        for k, (one, value) in enumerate(zip(steps, values, strict=True)):
            y, x, room = top + _HEAD + k * _BAR, left + 104, _WIDE - 104 - 140
            out.append(f'<text class="soft" x="{x - 8}" y="{y + 12}" text-anchor="end">{escape(one.step)}</text>')
            out.append(f'<rect class="track" x="{x}" y="{y + 2}" width="{room}" height="12" rx="2"/>')
            if value is not None:
                long = max(1.0, value / most * room)
                out.append(f'<rect class="bar" x="{x}" y="{y + 2}" width="{long:.1f}" height="12" rx="2"/>')
            out.append(f'<text x="{x + room + 8}" y="{y + 12}">{escape(_text(value, unit))}</text>')
    body = "\n".join(out)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n'
        f"{body}\n</svg>\n"
    )


def _text(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "%":
        return f"{value:.2f} %"
    return f"{value:,.0f}" if unit in ("B", "cycles") else shown(value, unit)
