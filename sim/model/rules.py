"""Which constructs a TFLM tree cannot be trusted with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.model import Model

if TYPE_CHECKING:
    from sim.model.check import Refusal, Tree

NEWER = 'use a current TFLM tree: tflm = "path" in [tool.boardless], or --tflm'


def find(model: Model, tree: Tree, kernels: str) -> tuple[Refusal, ...]:
    """All refusals, in the order of the operators."""
    from sim.model.check import Refusal

    known = tree.builtin_ops()
    return tuple(
        Refusal(o.index, o.layer, o.kind, "the tree has no such operator", NEWER)
        for o in model.operators
        if o.kind not in known
    )
