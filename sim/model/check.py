"""What a TFLM tree refuses of a model, or would compute wrong without a word, found before anything is compiled."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from sim.errors import UsageError
from sim.model import Model


class Tree(Protocol):
    """What is asked of a TFLM tree (`sim.tflm.TflmTree`)."""

    @property
    def generation(self) -> str:
        """ "2020" or "current"."""
        ...

    def builtin_ops(self) -> Collection[str]:
        """Names of the operators the tree can register."""
        ...


@dataclass(frozen=True)
class Refusal:
    """One operator that the tree cannot be trusted with. `operator_index` is -1 for the model as a whole."""

    operator_index: int
    layer: str
    kind: str
    reason: str
    remedy: str


def refusals(model: Model, tree: Tree, kernels: str) -> tuple[Refusal, ...]:
    """Everything the tree refuses of `model`, in the order of the operators; empty: it computes the model right."""
    from sim.model.rules import find

    return find(model, tree, kernels)


def check(model: Model, tree: Tree, kernels: str) -> None:
    """Raise UsageError that names each layer the tree refuses, why, and what to do about it."""
    found = refusals(model, tree, kernels)
    if found:
        raise UsageError(
            f"{model.path or model.name}: TFLM ({tree.generation}) cannot run this model right:\n{text(found)}"
        )


def text(found: Iterable[Refusal]) -> str:
    """Refusals as lines: layers with the same reason and remedy share one entry."""
    groups: dict[tuple[str, str, str], list[Refusal]] = {}
    for r in found:
        groups.setdefault((r.kind, r.reason, r.remedy), []).append(r)
    lines = []
    for (kind, reason, remedy), members in groups.items():
        names = list(dict.fromkeys(r.layer for r in members if r.layer))
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        lines.append(f"  {shown} ({kind}): {reason}" if shown else f"  {reason}")
        lines.append(f"    -> {remedy}")
    return "\n".join(lines)
