"""What a TFLM tree refuses of a model, or would compute wrong without a word, found before anything is compiled."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from sim.errors import UsageError
from sim.model import Model
from sim.model.instead import unknown
from sim.model.rules import common
from sim.model.rules_2020 import FAMILIES
from sim.model.rules_2020_model import whole
from sim.model.rules_current import findings, findings_cmsis_nn
from sim.model.site import Finding, Site
from sim.model.verify import misfit


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
    known = frozenset(tree.builtin_ops())
    old = tree.generation == "2020"
    found: list[Refusal] = []
    if old:
        found += [Refusal(index, layer, kind, *finding) for index, layer, kind, finding in whole(model)]
    for graph in model.graphs:
        for o in graph.operators:
            site = Site(graph, o)
            if o.kind not in known:
                reasons: Iterable[Finding] = [unknown(o, old)]
            else:
                # Where shapes do not fit, the other rules have nothing to stand on.
                own = None if misfit(graph, o) else FAMILIES.get(o.kind) if old else findings
                reasons = [*common(site), *(own(site) if own else ())]
                if own is findings and kernels == "cmsis-nn":
                    reasons += findings_cmsis_nn(site)
            found += [Refusal(o.index, o.layer, o.kind, *finding) for finding in reasons]
    return tuple(sorted(found, key=lambda r: r.operator_index))


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
