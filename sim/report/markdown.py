"""Markdown for a pull request: what changed against a stored run, or the figures of this one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.report.compare import Change, Comparison, grouped
from sim.report.quantity import shown
from sim.report.record import Record
from sim.report.store import Run

ROWS = 60  # of a table: more are counted, not shown
MAIN = ("cycles", "instructions", "latency", "flash", "ram_static", "arena", "stack", "energy", "accuracy")


def markdown(run: Run, comparison: Comparison | None = None) -> str:
    """The whole text; ends with a line break."""
    lines = [f"### boardless: {summary(run.records)}", ""]
    if comparison is not None:
        lines += _comparison(comparison)
    else:
        lines += _figures(run.records)
    lines += _missed(run.records)
    doubtful = sorted({f"{r.provenance.board}: {key}" for r in run.records for key in r.unverified})
    if doubtful:
        lines += ["", f"<sub>Unverified figures of boards: {', '.join(doubtful)}.</sub>"]
    return "\n".join(lines).rstrip() + "\n"


def summary(records: Sequence[Record]) -> str:
    """`12 tests, 11 passed, 1 failed; arduino_nano_33_ble on qemu 7.2 (mps2-an386)`."""
    counts = [(sum(r.outcome == o for r in records), o) for o in ("passed", "failed", "skipped")]
    places = sorted({f"{r.provenance.board} on {r.provenance.engine_text}" for r in records if r.provenance.engine})
    said = ", ".join(f"{n} {o}" for n, o in counts if n) or "none"
    where = "; ".join(places[:4]) + ("; …" if len(places) > 4 else "")
    return f"{len(records)} test{'s' * (len(records) != 1)}, {said}" + (f"; {where}" if where else "")


def _comparison(comparison: Comparison) -> list[str]:
    against = f"`{comparison.name}`" + (f" ({comparison.commit})" if comparison.commit else "")
    changed = [c for c in comparison.changes if not c.refused and c.text != "same"]
    same = sum(c.text == "same" for c in comparison.changes)
    lines = [f"Against {against}: {len(changed)} figures changed, {same} the same."]
    failures = comparison.failures
    if comparison.failed and not failures:
        lines += ["", f"**Failed:** no test has {', '.join(comparison.limits)} here and in the stored run."]
    if failures:
        lines += ["", f"**{len(failures)} worse than allowed:**", ""]
        lines += [
            f"- :x: {cell(g.where)} **{g.change.name}**: {cell(g.change.failed)}" for g in grouped(failures)[:ROWS]
        ]
    if changed:
        lines += ["", "| test | figure | before | now | change |", "|---|---|--:|--:|--:|"]
        order = grouped(changed)
        for group in order[:ROWS]:
            c = group.change
            before = shown(c.before.value, c.before.unit) if c.before else ""
            now = shown(c.now.value, c.now.unit) if c.now else ""
            mark = ":x: " if c.failed else ":small_red_triangle: " if c.worse else ""
            lines.append(f"| {cell(group.where)} | {c.name} | {before} | {now} | {mark}{c.text} |")
        if len(order) > ROWS:
            lines += ["", f"… and {len(order) - ROWS} more."]
    refused = [c for c in comparison.changes if c.refused]
    if refused:
        lines += _folded(f"{len(refused)} figures were not compared: unlike", reasons(refused))
    if comparison.new_tests:
        lines += _folded(f"{len(comparison.new_tests)} new tests", [_key(k) for k in comparison.new_tests])
    if comparison.missing_tests:
        keys = [_key(k) for k in comparison.missing_tests]
        lines += _folded(f"{len(keys)} tests of the stored run were not run", keys)
    return lines


def reasons(refused: Iterable[Change]) -> list[str]:
    """One line a reason: a changed board makes hundreds of figures unlike for the same one."""
    found: dict[str, list[str]] = {}
    for c in refused:
        found.setdefault("; ".join(c.refused), []).append(f"{_where(c)} {c.name}")
    return [
        f"{reason}: {', '.join(names[:4])}" + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        for reason, names in found.items()
    ]


def _figures(records: Sequence[Record]) -> list[str]:
    names = [n for n in MAIN if any(r.figure(n) for r in records)]
    if not names:
        return ["No figures."]
    lines = [f"| test | board | {' | '.join(names)} |", f"|---|---|{'--:|' * len(names)}"]
    for r in sorted(records, key=lambda r: r.key)[:ROWS]:
        cells = []
        for name in names:
            figure = r.figure(name)
            cells.append(shown(figure.value, figure.unit) if figure else "")
        mark = "" if r.outcome == "passed" else f" ({r.outcome})"
        lines.append(f"| {cell(r.test)}{mark} | {r.provenance.board} | {' | '.join(cells)} |")
    if len(records) > ROWS:
        lines += ["", f"… and {len(records) - ROWS} more."]
    return lines


def _missed(records: Sequence[Record]) -> list[str]:
    lines = []
    for r in records:
        for b in r.budgets:
            figure = r.figure(b.name)
            if not b.met and b.value is not None and figure is not None:
                over = f"{shown(b.value, figure.unit)}, budget {shown(b.limit, figure.unit)}"
                lines.append(f"- :x: {cell(r.test)} ({r.provenance.board}) **{b.name}**: {over}")
    return ["", "**Over budget:**", "", *lines[:ROWS]] if lines else []


def _where(change: Change) -> str:
    return f"{change.test} ({change.board})" if change.board not in change.test else change.test


def _key(key: tuple[str, str, str]) -> str:
    return f"{key[0]} ({key[1]}{', ' + key[2] if key[2] else ''})"


def _folded(title: str, items: Sequence[str]) -> list[str]:
    lines = [f"- {cell(item)}" for item in items[:ROWS]]
    if len(items) > ROWS:
        lines.append(f"- … and {len(items) - ROWS} more")
    return ["", f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]


def cell(text: str) -> str:
    """Text that a table or a list cannot be broken by: test ids may have any character."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return " ".join(text.split())
