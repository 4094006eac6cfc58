"""One picture a use: an SVG file that needs nothing else, for a browser or a README."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sim.demo.gesture import FULL
from sim.demo.shown import Item, Use

_WIDTH = 960
_INK, _SOFT, _GOOD, _BAD, _PAPER, _RULE = "#16202c", "#5a6775", "#1a7f4b", "#c4302b", "#ffffff", "#dfe4ea"
_LABELS = ("#2563b0", "#d1651a", "#1f8a5b", "#8e4bb8", "#b3284f", "#0f8a9d")
_LENGTH = 10.0  # s of a recording
_MARGIN, _SCALE = 24, 22  # left of all, and for the numbers beside an axis
_FONT = "system-ui, 'DejaVu Sans', sans-serif"


def draw(use: Use, where: str) -> str:
    """The picture of a use; `where` is the board and the engine, in words."""
    body, height = (_digits if use.name == "image" else _motions)(use.items)
    foot = 92 + height
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {foot + 52}" font-family="{_FONT}">',
            f"<title>boardless demo: {escape(use.title)}</title>",
            f'<rect width="{_WIDTH}" height="{foot + 52}" fill="{_PAPER}"/>',
            _text(24, 38, use.title[:1].upper() + use.title[1:], 22, _INK, bold=True),
            _text(24, 62, where, 14, _SOFT),
            *body,
            _text(24, foot + 8, use.summary, 14, _INK),
            _text(24, foot + 30, f"board time: {use.time_base}", 12, _SOFT),
            "</svg>\n",
        ]
    )


def _motions(items: Sequence[Item]) -> tuple[list[str], int]:
    """Two columns: acceleration over time, and below it a dot for each decision in the colour of its label."""
    labels = sorted({item.expected for item in items} | {item.decided for item in items})
    out = [_text(_MARGIN, 84, f"size of the acceleration (0 to {FULL:g} m/s²) over {_LENGTH:g} s; "
                 "each dot is a decision, in the colour of its label", 12, _SOFT)]  # fmt: skip
    wide, high = 418, 122
    for i, item in enumerate(items):
        x, y = _MARGIN + (i % 2) * (wide + 32 + _SCALE) + _SCALE, 96 + (i // 2) * (high + 20)
        colour = _LABELS[labels.index(item.decided) % len(_LABELS)]
        mark = "✓" if item.right else "✗"
        out.append(_text(x, y + 14, item.name, 14, _INK, bold=True))
        said = f"{mark} {item.decided}, {item.share:.0%} of its decisions"
        out.append(_text(x + wide, y + 14, said, 14, _GOOD if item.right else _BAD, end=True))
        out.append(f'<rect x="{x}" y="{y + 22}" width="{wide}" height="76" fill="#f7f8fa" stroke="{_RULE}"/>')
        out += [f'<line x1="{x}" x2="{x + wide}" y1="{y + 60}" y2="{y + 60}" stroke="{_RULE}"/>']
        out += [_text(x - 6, y + 98 - 76 * part + 4, f"{FULL * part:g}", 11, _SOFT, end=True) for part in (0, 0.5, 1)]
        for second in range(0, round(_LENGTH) + 1, 2):
            at, unit = x + second / _LENGTH * wide, " s" * (second == _LENGTH)
            out.append(_text(at, y + 128, f"{second}{unit}", 11, _SOFT, end=second == _LENGTH))
        step = wide / max(1, len(item.values) - 1)
        line = " ".join(f"{x + k * step:.1f},{y + 98 - min(1.0, v / FULL) * 76:.1f}" for k, v in enumerate(item.values))
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.4"/>')
        for d in item.decisions:
            at = x + min(1.0, d.time / _LENGTH) * wide
            fill = _LABELS[labels.index(d.label) % len(_LABELS)] if d.label in labels else _SOFT
            out.append(f'<circle cx="{at:.1f}" cy="{y + 108}" r="3.2" fill="{fill}">'
                       f"<title>{escape(str(d))}</title></circle>")  # fmt: skip
    return out, 12 + (len(items) + 1) // 2 * (high + 20)


def _digits(items: Sequence[Item]) -> tuple[list[str], int]:
    """A grid of pictures as the app sees them, each with what was decided."""
    side = round(len(items[0].values) ** 0.5)
    cell, pixel = 91, 9
    out = [_text(_MARGIN, 84, "what the camera shows, 8 x 8 blocks; below it the digit that was decided, and its score",
                 12, _SOFT)]  # fmt: skip
    for i, item in enumerate(items):
        x, y = _MARGIN + (i % 10) * cell, 100 + (i // 10) * 118
        for k, value in enumerate(item.values):
            grey = round(255 * value)
            out.append(f'<rect x="{x + k % side * pixel}" y="{y + k // side * pixel}" width="{pixel}" '
                       f'height="{pixel}" shape-rendering="crispEdges" fill="rgb({grey},{grey},{grey})"/>')  # fmt: skip
        said = f"{'✓' if item.right else '✗'} {item.decided or 'missed'}"
        if not item.right:
            out.append(_text(x, y + 107, f"it is a {item.expected}", 12, _BAD))
        out.append(_text(x, y + 92, said, 18, _GOOD if item.right else _BAD, bold=True))
        if item.decided:
            out.append(_text(x + side * pixel, y + 92, f"{item.share:.2f}", 12, _SOFT, end=True))
    return out, 16 + (len(items) + 9) // 10 * 118


def _text(x: float, y: float, text: str, size: int, colour: str, *, bold: bool = False, end: bool = False) -> str:
    extra = ' font-weight="600"' * bold + ' text-anchor="end"' * end
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}"{extra}>{escape(text)}</text>'
