"""One operator of a model with its tensors at hand, as rules look at it, and what they find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.model import Graph, Operator, Tensor

NEWER = 'point to a current TFLM tree: tflm = "path" in [tool.boardless], or --tflm PATH'
FIXED_BATCH = "convert with a fixed batch size: keras.Input(shape, batch_size=1)"
FULL_INT8 = "convert with full int8 quantisation and representative data (boardless convert does)"
# (reason, remedy)
Finding = tuple[str, str]


@dataclass(frozen=True)
class Site:
    """One operator with its tensors at hand."""

    graph: Graph
    operator: Operator

    def input(self, position: int) -> Tensor | None:
        """The input at `position`; None where it is left out."""
        inputs = self.operator.inputs
        given = position < len(inputs) and inputs[position] >= 0
        return self.graph.tensors[inputs[position]] if given else None

    def need(self, position: int) -> Tensor:
        """The input at `position`, which `sim.model.verify` has seen to be there."""
        tensor = self.input(position)
        if tensor is None:
            raise IndexError(f"{self.operator.kind} without input {position}")
        return tensor

    @property
    def inputs(self) -> list[Tensor]:
        """All inputs that are given."""
        return [self.graph.tensors[i] for i in self.operator.inputs if i >= 0]

    @property
    def outputs(self) -> list[Tensor]:
        return [self.graph.tensors[i] for i in self.operator.outputs]

    def option(self, name: str) -> int:
        return int(self.operator.options.get(name, 0))


def same_scale(a: Tensor, b: Tensor) -> bool:
    """Whether equal stored numbers of both mean the same; true for unquantised ones."""
    if a.dtype != b.dtype or not a.scale or not b.scale:
        return True
    return abs(a.scale[0] - b.scale[0]) <= 1e-6 * a.scale[0] and a.zero_point[0] == b.zero_point[0]


def only_types(site: Site, allowed: str, position: int = 0) -> Iterator[Finding]:
    """Refuses an input of a type that the kernel of 2020 does not have (`allowed`: words)."""
    tensor = site.input(position)
    if tensor is not None and tensor.dtype not in allowed.split():
        words = allowed.replace(" ", ", ")
        remedy = FULL_INT8 if "int8" in allowed.split() and "16" in tensor.dtype else NEWER
        yield f"{tensor.dtype}: the kernel of 2020 has only {words}", remedy
