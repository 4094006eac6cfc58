"""A comparison as lines for a terminal."""

from __future__ import annotations

from sim.report.compare import Comparison, Group, grouped
from sim.report.markdown import reasons
from sim.report.quantity import shown

ROWS = 20


def summary_lines(comparison: Comparison) -> list[str]:
    """What changed, what is worse than allowed, what was not compared and why."""
    changed = [c for c in comparison.changes if not c.refused and c.text != "same"]
    same = sum(c.text == "same" for c in comparison.changes)
    refused = [c for c in comparison.changes if c.refused]
    against = comparison.name + (f" ({comparison.commit})" if comparison.commit else "")
    lines = [f"against {against}: {len(changed)} figures changed, {same} the same, {len(refused)} not compared"]
    order = grouped(changed)
    lines += [f"  {_line(group)}" for group in order[:ROWS]]
    if len(order) > ROWS:
        lines.append(f"  ... and {len(order) - ROWS} more")
    lines += [f"  not compared: {reason}" for reason in reasons(refused)]
    for what, keys in (("new", comparison.new_tests), ("stored, not run", comparison.missing_tests)):
        if keys:
            more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
            lines.append(f"  {what}: {', '.join(key[0] for key in keys[:5])}{more}")
    if comparison.idle_limits:
        lines.append(f"  no test has this figure here and in {comparison.name}: {', '.join(comparison.idle_limits)}")
    failures = comparison.failures
    if comparison.failed and not failures:
        lines.append("FAILED: the limits looked at nothing")
    if failures:
        lines.append(f"WORSE THAN ALLOWED: {len(failures)}")
        lines += [f"  {group.where}, {group.change.name}: {group.change.failed}" for group in grouped(failures)]
    return lines


def _line(group: Group) -> str:
    change = group.change
    then = shown(change.before.value, change.before.unit) if change.before else "-"
    now = shown(change.now.value, change.now.unit) if change.now else "-"
    return f"{group.where}, {change.name}: {then} -> {now}, {change.text}"
