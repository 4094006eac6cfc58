"""JUnit properties of a test: each figure as a number, and as people read it."""

from __future__ import annotations

from sim.report.quantity import whole
from sim.report.record import Record


def properties(record: Record) -> list[tuple[str, str]]:
    """`boardless_cycles` -> "1234567", `boardless_cycles_is` -> "cycles, modelled, qemu 7.2 ..."; by name."""
    out: list[tuple[str, str]] = []
    for figure in record.figures:
        out.append((f"boardless_{figure.name}", f"{whole(figure.value, figure.unit)}"))
        out.append((f"boardless_{figure.name}_is", f"{figure.unit or 'number'}, {figure.how}: {figure.source}"))
    for budget in record.budgets:
        if budget.value is not None:
            out.append((f"boardless_budget_{budget.name}", f"{'kept' if budget.met else 'missed'}: {budget.limit:g}"))
    if record.unverified:
        out.append(("boardless_unverified", ", ".join(record.unverified)))
    return out
