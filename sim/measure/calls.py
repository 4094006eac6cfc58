"""The tree of calls as tables: per function its own and its total share, per place a stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sim.engines.protocol import CallNode
from sim.failure.demangle import demangled, without_arguments


@dataclass(frozen=True)
class FunctionUse:
    """A function over all runs. `own`: in itself; `total`: with all it called, recursion counted once."""

    symbol: str
    name: str
    calls: int
    own: int
    total: int
    own_cycles: int
    total_cycles: int


def function_table(nodes: Sequence[CallNode]) -> list[FunctionUse]:
    """One row a function, most of its own first."""
    instructions, cycles = _inclusive(nodes)
    inside = _enclosing(nodes)
    names = readable(nodes)
    rows: dict[str, list[int]] = {}
    for i, node in enumerate(nodes):
        row = rows.setdefault(node.function, [0, 0, 0, 0, 0])
        row[0] += node.calls
        row[1] += node.instructions
        row[3] += node.cycles
        if node.function not in inside[i]:
            row[2] += instructions[i]
            row[4] += cycles[i]
    table = [FunctionUse(symbol, names[symbol], *row) for symbol, row in rows.items()]
    return sorted(table, key=lambda r: (-r.own, r.symbol))


def _inclusive(nodes: Sequence[CallNode]) -> tuple[list[int], list[int]]:
    # Callers come before those they call.
    instructions, cycles = [n.instructions for n in nodes], [n.cycles for n in nodes]
    for i in range(len(nodes) - 1, 0, -1):
        instructions[nodes[i].parent] += instructions[i]
        cycles[nodes[i].parent] += cycles[i]
    return instructions, cycles


def _enclosing(nodes: Sequence[CallNode]) -> list[frozenset[str]]:
    out: list[frozenset[str]] = []
    for node in nodes:
        out.append(frozenset() if node.parent < 0 else out[node.parent] | {nodes[node.parent].function})
    return out


def operator_totals(nodes: Sequence[CallNode]) -> dict[int, int]:
    """Instructions of each operator with all it called, over all runs, by its number from 1."""
    instructions, _ = _inclusive(nodes)
    return {n.ordinal: instructions[i] for i, n in enumerate(nodes) if n.ordinal}


def readable(nodes: Sequence[CallNode]) -> dict[str, str]:
    """Linker name -> name as in the source; with arguments where only they tell one from another."""
    symbols = {n.function for n in nodes}
    plain = {s: s.split("@", 1)[0] for s in symbols}  # see sim.elf: functions of one name in several files
    long = demangled(plain.values())
    names = {s: long.get(p, p) for s, p in plain.items()}
    same: dict[str, set[str]] = {}
    for name in names.values():
        same.setdefault(without_arguments(name), set()).add(name)
    return {s: name if len(same[without_arguments(name)]) > 1 else without_arguments(name) for s, name in names.items()}


def stacks(nodes: Sequence[CallNode], layers: Sequence[str]) -> Iterator[tuple[list[str], CallNode]]:
    """(names from the root down, node) of every place, a caller's before those of what it called.

    `layers`: what operator 1, 2, ... is called; it stands in the stack above the operator's function.
    """
    names = readable(nodes)
    children: list[list[int]] = [[] for _ in nodes]
    for i, node in enumerate(nodes):
        if node.parent >= 0:
            children[node.parent].append(i)
    todo: list[tuple[int, list[str]]] = [(0, [])] if nodes else []
    while todo:
        i, above = todo.pop()
        node = nodes[i]
        own = [*above]
        if node.ordinal:
            at = node.ordinal - 1
            own.append(layers[at] if at < len(layers) else f"operator {node.ordinal}")
        own.append(names[node.function])
        yield own, node
        todo += [(c, own) for c in sorted(children[i], key=lambda c: (-nodes[c].ordinal, -c))]
