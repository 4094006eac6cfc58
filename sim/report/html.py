"""One self-contained page: no script, nothing from a network, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from sim.report import svg
from sim.report.compare import Comparison, Group, grouped
from sim.report.figure import Figure
from sim.report.markdown import MAIN, summary
from sim.report.names import KINDS
from sim.report.quantity import shown
from sim.report.record import BudgetResult, Record
from sim.report.store import Run

_CSS = Path(__file__).with_name("page.css")
_OPEN = 3  # tests whose details are open from the start; failed ones always are, up to twenty


def html(run: Run, comparison: Comparison | None = None, title: str = "boardless report") -> str:
    """The page as text."""
    records = sorted(run.records, key=lambda r: r.key)
    parts = [_head(run, records), _comparison(comparison) if comparison else "", _overview(records)]
    if records:
        parts.append("<h2>Tests</h2>")
    opened = 0
    for i, record in enumerate(records):
        show = (record.outcome == "failed" and opened < 20) or opened < _OPEN
        opened += show
        parts.append(_test(record, i, opened=show))
    css = _CSS.read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f'<link rel="icon" href="data:,"><style>\n{css}</style></head>\n<body><main>\n'
        + "\n".join(p for p in parts if p)
        + f"\n<footer>boardless {escape(run.boardless)}. Every figure says how it was got: counted by the engine, "
        "modelled from counts, or estimated. Board time is counted, not clocked.</footer>\n</main></body></html>\n"
    )


def _head(run: Run, records: Sequence[Record]) -> str:
    passed = sum(r.outcome == "passed" for r in records)
    failed = sum(r.outcome == "failed" for r in records)
    over = sum(not b.met and b.value is not None for r in records for b in r.budgets)
    boards = sorted({r.provenance.board for r in records})
    engines = sorted({r.provenance.engine_text for r in records if r.provenance.engine})
    chips = [f'<b class="good">{passed}</b> passed']
    if failed:
        chips.append(f'<b class="bad">{failed}</b> failed')
    if over:
        chips.append(f'<b class="bad">{over}</b> over budget')
    chips += [escape(text) for text in (*boards[:6], *engines[:4])]
    if run.commit:
        chips.append(f"commit <code>{escape(run.commit)}</code>")
    items = "".join(f'<li class="chip">{chip}</li>' for chip in chips)
    return f'<h1>boardless</h1><p class="soft">{escape(summary(records))}</p><ul class="chips">{items}</ul>'


# ---- against a stored run ----


def _comparison(comparison: Comparison) -> str:
    changed = [c for c in comparison.changes if not c.refused and c.text != "same"]
    same = sum(c.text == "same" for c in comparison.changes)
    refused = [c for c in comparison.changes if c.refused]
    against = escape(comparison.name) + (f" ({escape(comparison.commit)})" if comparison.commit else "")
    out = [f"<h2>Against {against}</h2><p class='soft'>{len(changed)} figures changed, {same} the same"]
    out.append(f", {len(refused)} not compared" if refused else "")
    out.append(f", {len(comparison.new_tests)} new tests" if comparison.new_tests else "")
    out.append(f", {len(comparison.missing_tests)} stored ones not run" if comparison.missing_tests else "")
    out.append("</p>")
    rows = grouped([*changed, *refused])
    if rows:
        out.append('<div class="wide"><table><tr><th>test</th><th>figure</th><th class="n">before</th>'
                   '<th class="n">now</th><th class="n">change</th></tr>')  # fmt: skip
        out += [_change(group) for group in rows[:200]]
        out.append("</table></div>")
    return "".join(out)


def _change(group: Group) -> str:
    c = group.change
    others = len(group.tests) - 1
    board = c.board + (f", and {others} more test{'s' * (others > 1)}" if others else "")
    tone = "bad" if c.failed else "warn" if c.worse or c.refused else "good" if c.delta else "soft"
    more = c.failed.removeprefix(f"{c.text}, ") or "; ".join(c.refused)
    remark = f'<div class="small soft">{escape(more)}</div>' if more else ""
    names = escape(", ".join(group.tests))
    return (
        f'<tr><td>{_id(c.test)}<div class="small soft" title="{names}">{escape(board)}</div></td>'
        f"<td>{escape(c.name)}{remark}</td><td class='n'>{_value(c.before)}</td><td class='n'>{_value(c.now)}</td>"
        f'<td class="n {tone}">{escape(c.text)}</td></tr>'
    )


def _value(figure: Figure | None) -> str:
    return escape(shown(figure.value, figure.unit)) if figure else ""


# ---- this run ----


def _overview(records: Sequence[Record]) -> str:
    names = [n for n in MAIN if any(r.figure(n) for r in records)]
    if not names:
        return "<p>No test of this run used a virtual board.</p>"
    heads = "".join(f'<th class="n">{escape(n)}</th>' for n in names)
    rows = []
    for i, r in enumerate(records):
        cells = []
        for name in names:
            figure = r.figure(name)
            text = shown(figure.value, figure.unit).split(" (")[0] if figure else ""
            missed = any(b.name == name and not b.met and b.value is not None for b in r.budgets)
            unit = f" {figure.unit}" if figure and figure.unit in ("cycles", "instructions") else ""
            cells.append(f'<td class="n{" bad" if missed else ""}">{escape(text.removesuffix(unit))}</td>')
        rows.append(
            f'<tr><td>{_mark(r)}</td><td><a href="#t{i}">{_id(r.test)}</a>'
            f'<div class="small soft">{escape(r.provenance.board)}</div></td>{"".join(cells)}</tr>'
        )
    return (
        f'<h2>Figures</h2><div class="wide"><table><tr><th></th><th>test</th>{heads}</tr>{"".join(rows)}</table></div>'
    )


def _id(test: str) -> str:
    """A test id that can be broken where a person would break it."""
    file, colons, name = test.rpartition("::")
    path = f'<span class="soft">{escape(file + colons)}</span><wbr>' if file else ""
    return f'<span class="id">{path}{escape(name).replace("[", "<wbr>[")}</span>'


def _mark(r: Record) -> str:
    tone = {"passed": "good", "failed": "bad"}.get(r.outcome, "warn")
    return f'<span class="mark {tone}">{escape(r.outcome)}</span>'


def _test(r: Record, number: int, *, opened: bool) -> str:
    p = r.provenance
    where = " · ".join(x for x in (p.board, p.engine_text if p.engine else "", r.app) if x)
    body = [
        f"<pre>{escape(r.failure)}</pre>" if r.failure else "",
        _section("Stimulus and decisions", svg.timeline(r.stimuli, r.decisions, r.board_time or 0.0)),
        "".join(f'<p class="small soft">{escape(s)}</p>' for s in r.sensors),
        _section("Figures", _figures(r)),
        _section("Operators", svg.operators(r.operators)),
        _contributors(r),
        _section("Memory", svg.memory_map(r.memory)),
        _section("What it is of", _provenance(r)),
    ]
    return (
        f'<details class="test" id="t{number}"{" open" if opened else ""}><summary>{_mark(r)} <b>{_id(r.test)}</b>'
        f'<span class="where">{escape(where)}</span></summary><div class="body">{"".join(body)}</div></details>'
    )


def _section(title: str, content: str) -> str:
    return f"<h3>{escape(title)}</h3>{content}" if content else ""


def _figures(r: Record) -> str:
    budgets = {b.name: b for b in r.budgets}
    rows = []
    for f in r.figures:
        detail = ""
        if f.detail.get("runs", 1) > 1:
            spread = ", ".join(f"{k} {shown(v, f.unit)}" for k, v in f.detail.items() if k != "runs")
            detail = f'<div class="small soft">{f.detail["runs"]:g} runs: {escape(spread)}</div>'
        budget = budgets.pop(f.name, None)
        rows.append(
            f"<tr><td>{escape(f.title)}{detail}</td><td class='n'>{_value(f)}</td><td>{_meter(f, budget)}</td>"
            f"<td class='small soft'>{escape(f.how)}: {escape(f.source)}</td></tr>"
        )
    for b in budgets.values():
        limit = shown(b.limit, KINDS[b.name].unit)
        rows.append(
            f"<tr><td>{escape(KINDS[b.name].title)}</td><td class='n warn'>not there</td>"
            f"<td class='small'>budget {escape(limit)}</td><td class='small soft'>{escape(b.why)}</td></tr>"
        )
    if not rows:
        return ""
    head = '<tr><th>figure</th><th class="n">value</th><th>budget</th><th>how</th></tr>'
    return f'<div class="wide"><table>{head}{"".join(rows)}</table></div>'


def _meter(f: Figure, budget: BudgetResult | None) -> str:
    if budget is None:
        return ""
    top = max(f.value, budget.limit) or 1.0
    over = "" if budget.met else ' class="over"'
    said = f"{'at least' if f.higher_is_better else 'at most'} {shown(budget.limit, f.unit).split(' (')[0]}"
    return (
        f'<span class="small {"soft" if budget.met else "bad"}">{escape(said)}</span>'
        f'<div class="meter" title="{escape(budget.origin)}"><i{over} style="width:{f.value / top * 100:.1f}%"></i>'
        f'<u style="left:calc({budget.limit / top * 100:.1f}% - 2px)"></u></div>'
    )


def _contributors(r: Record) -> str:
    out = []
    for name, items in r.contributors.items():
        figure = r.figure(name)
        if figure is None or (r.operators and name in ("cycles", "instructions")):
            continue
        title = "The slowest decisions" if name == "latency" else f"{figure.title}, by part"
        out.append(_section(title, svg.shares(items[:8], figure.unit, title)))
    return "".join(out)


def _provenance(r: Record) -> str:
    p = r.provenance
    rows = [
        ("board", p.board),
        ("engine", p.engine_text if p.engine else ""),
        ("firmware", f"{r.app} {p.firmware_sha256}"),
        ("model", r.model_sha256),
        ("TFLM", r.tflm),
        ("seed", "" if p.seed is None else str(p.seed)),
        ("board time", "" if r.board_time is None else f"{r.board_time:.6f} s, {r.idle_time or 0:.6f} s of it waiting"),
        ("time base", r.time_base),
        ("unverified", ", ".join(r.unverified)),
        *(("note", note) for note in r.notes),
    ]
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows if v) + "</dl>"
