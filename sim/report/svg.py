"""Plots as inline SVG: colours come from the page's style sheet, so they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from sim.report.quantity import shown
from sim.report.record import Event, Operator, Share, Space, Trace

WIDTH = 960
_LEFT, _RIGHT = 64, 14
_PANEL, _GAP, _LANE = 92, 30, 46
COLOURS = 8  # classes c0..c7 of the style sheet


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers from `low` to `high`."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def timeline(stimuli: Sequence[Trace], decisions: Sequence[Event], end: float) -> str:
    """What the sensors saw, and below it what the firmware decided, over board time. Empty where there is neither."""
    end = max([end, *(d.time for d in decisions), *(t.times[-1] for t in stimuli if t.times)], default=end)
    if end <= 0 or not (stimuli or decisions):
        return ""
    panels: dict[tuple[str, str], list[tuple[str, Sequence[float], Sequence[float]]]] = {}
    for trace in stimuli:
        for channel, unit, values in zip(trace.channels, trace.units, trace.values, strict=True):
            panels.setdefault((trace.sensor, unit), []).append((channel, trace.times, values))
    labels = list(dict.fromkeys(d.label for d in decisions))
    height = len(panels) * (_PANEL + _GAP) + (_LANE + _GAP + 18 if decisions else 0) + 22
    scale = (WIDTH - _LEFT - _RIGHT) / end
    out: list[str] = []
    top = 22.0
    for (sensor, unit), lines in panels.items():
        out += _panel(f"{sensor}, {unit.replace('^2', '²').replace('deg/s', '°/s')}", lines, top, scale)
        top += _PANEL + _GAP
    if decisions:
        out += _lane(decisions, labels, top, scale, end)
        top += _LANE + _GAP + 18
    bottom = top - _GAP + 2
    for t in ticks(0, end, 10):
        x = _LEFT + t * scale
        out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="22" y2="{bottom:.1f}"/>')
        out.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 14:.1f}" text-anchor="middle">{t:g} s</text>')
    return _svg(height, "stimulus and decisions over board time", out)


def _panel(
    title: str, lines: Sequence[tuple[str, Sequence[float], Sequence[float]]], top: float, scale: float
) -> list[str]:
    low = min(min(values) for _, _, values in lines)
    high = max(max(values) for _, _, values in lines)
    if high - low < 1e-12:
        low, high = low - 1, high + 1
    margin = (high - low) * 0.06
    low, high = low - margin, high + margin

    def y(value: float) -> float:
        return top + _PANEL * (high - value) / (high - low)

    out = [f'<rect class="panel" x="{_LEFT}" y="{top:.1f}" width="{WIDTH - _LEFT - _RIGHT}" height="{_PANEL}"/>']
    for value in ticks(low, high, 3):
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        out.append(f'<text class="tick" x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    channels = list(dict.fromkeys(channel for channel, _, _ in lines))
    for channel, times, values in lines:
        points = " ".join(f"{_LEFT + t * scale:.1f},{y(v):.1f}" for t, v in zip(times, values, strict=True))
        out.append(f'<polyline class="line s{channels.index(channel) % COLOURS}" points="{points}"/>')
    out.append(f'<text class="name" x="{_LEFT}" y="{top - 6:.1f}">{escape(title)}</text>')
    x = WIDTH - _RIGHT
    for i, channel in reversed(list(enumerate(channels))):
        out.append(f'<text class="key f{i % COLOURS}" x="{x}" y="{top - 6:.1f}" text-anchor="end">'
                   f"{escape(channel)}</text>")  # fmt: skip
        x -= 12 + 7 * len(channel)
    return out


def _lane(decisions: Sequence[Event], labels: Sequence[str], top: float, scale: float, end: float) -> list[str]:
    """A block for each stretch of one label, a dot for each decision at the height of its score."""
    out = [f'<text class="name" x="{_LEFT}" y="{top - 6:.1f}">decisions</text>']
    runs: list[list[Event]] = []
    for d in decisions:
        if runs and runs[-1][0].label == d.label:
            runs[-1].append(d)
        else:
            runs.append([d])
    for i, run in enumerate(runs):
        colour = labels.index(run[0].label) % COLOURS
        x = _LEFT + run[0].time * scale
        stop = runs[i + 1][0].time if i + 1 < len(runs) else end
        width = max(2.0, (stop - run[0].time) * scale)
        said = f"{run[0].label}: {len(run)} decisions from {run[0].time:.3f} s"
        out.append(f'<rect class="block f{colour}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_LANE}">'
                   f"<title>{escape(said)}</title></rect>")  # fmt: skip
        if width > 8 * len(run[0].label):
            out.append(f'<text class="label" x="{x + 5:.1f}" y="{top + _LANE + 14:.1f}">{escape(run[0].label)}</text>')
    for d in decisions[:2000]:
        y = top + _LANE - 4 - min(1.0, max(0.0, d.score)) * (_LANE - 8)
        said = f"{d.time:.4f} s: {d.label}, score {d.score:.3f}"
        if d.latency is not None:
            said += f", latency {d.latency * 1e3:.3f} ms"
        out.append(f'<circle class="dot f{labels.index(d.label) % COLOURS}" cx="{_LEFT + d.time * scale:.1f}" '
                   f'cy="{y:.1f}" r="2.6"><title>{escape(said)}</title></circle>')  # fmt: skip
    out.append(f'<text class="tick" x="{_LEFT - 6}" y="{top + 10:.1f}" text-anchor="end">1</text>')
    out.append(f'<text class="tick" x="{_LEFT - 6}" y="{top + _LANE:.1f}" text-anchor="end">0</text>')
    out.append(f'<text class="tick" x="{_LEFT - 18}" y="{top + _LANE / 2 + 4:.1f}" text-anchor="end">score</text>')
    return out


def operators(items: Sequence[Operator]) -> str:
    """A bar an operator: its cycles (instructions where there is no timing model), and per MAC."""
    if not items:
        return ""
    cycles = all(o.cycles is not None for o in items)
    unit = "cycles" if cycles else "instructions"
    costs = [(o.cycles or 0) if cycles else o.instructions for o in items]
    rows = []
    for o, cost in zip(items, costs, strict=True):
        each = f", {cost / o.macs:.2f} a MAC" if o.macs else ""
        rows.append((f"{o.index}  {o.kind}", o.layer, float(cost), f"{cost:,}{each}"))
    return _bars(rows, f"{unit} of each operator")


def shares(items: Sequence[Share], unit: str, title: str) -> str:
    """A bar for each part of a figure, largest first."""
    return _bars([(s.name, "", s.value, shown(s.value, unit)) for s in items], title) if items else ""


def _bars(rows: Sequence[tuple[str, str, float, str]], title: str) -> str:
    """Rows (name, remark, value, text)."""
    most = max((value for _, _, value, _ in rows), default=0.0) or 1.0
    total = sum(value for _, _, value, _ in rows) or 1.0
    left, room = 330, WIDTH - 330 - 230
    out = []
    for i, (name, remark, value, text) in enumerate(rows):
        y = 6 + i * 24
        width = max(1.0, value / most * room)
        full = f"{name} {remark}".strip()
        out.append(f"<g><title>{escape(full)}: {escape(text)}, {value / total * 100:.1f} %</title>")
        out.append(f'<text class="row" x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(_cut(full, 46))}</text>')
        out.append(f'<rect class="bar" x="{left}" y="{y + 2}" width="{width:.1f}" height="16" rx="2"/>')
        out.append(f'<text class="value" x="{left + width + 6:.1f}" y="{y + 14}">{escape(text)}</text></g>')
    return _svg(12 + len(rows) * 24, title, out)


def memory_map(spaces: Sequence[Space]) -> str:
    """What is in each memory, and what is left."""
    out: list[str] = []
    y, room = 4.0, WIDTH - 20
    for space in spaces:
        used = space.used
        head = f"{space.name}: {shown(used, 'B')} of {shown(space.size, 'B')}, {used / space.size * 100:.1f} %"
        out.append(f'<text class="name" x="10" y="{y + 12:.1f}">{escape(head)}</text>')
        out.append(f'<rect class="free" x="10" y="{y + 18:.1f}" width="{room}" height="26" rx="3"/>')
        x = 10.0
        for i, part in enumerate(space.parts):
            width = part.value / max(space.size, used) * room
            said = f"{part.name}: {shown(part.value, 'B')}"
            out.append(f'<rect class="part f{i % COLOURS}" x="{x:.2f}" y="{y + 18:.1f}" width="{max(width, 0.5):.2f}" '
                       f'height="26"><title>{escape(said)}</title></rect>')  # fmt: skip
            x += width
        x, row = 10.0, y + 60
        for i, part in enumerate(space.parts):
            text = f"{part.name} {shown(part.value, 'B').split(' (')[0]}"
            length = 24 + 6.4 * len(text)
            if x + length > WIDTH - 10:
                x, row = 10.0, row + 18
            out.append(f'<rect class="f{i % COLOURS}" x="{x:.1f}" y="{row - 9:.1f}" width="10" height="10" rx="2"/>')
            out.append(f'<text class="key" x="{x + 15:.1f}" y="{row:.1f}">{escape(text)}</text>')
            x += length
        y = row + 22
    return _svg(round(y), "memory map", out) if spaces else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )
