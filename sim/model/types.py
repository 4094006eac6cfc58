"""Tensor, Operator and Graph: what a .tflite says, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tensor:
    """One tensor. `scale` and `zero_point` are empty where it is not quantised, longer than 1 per channel."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str  # numpy's name, or string, resource, variant, int4, bfloat16, …
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    quantized_dimension: int
    constant: bool  # its content is in the file
    nbytes: int
    data: bytes | None = field(repr=False, default=None)  # content of a constant, little-endian
    variable: bool = False  # keeps its content between inferences
    sparse: bool = False
    shape_signature: tuple[int, ...] = ()  # -1 where a dimension was left open; empty: none was

    @property
    def size(self) -> int:
        """Number of elements."""
        count = 1
        for n in self.shape:
            count *= n
        return count

    @property
    def per_channel(self) -> bool:
        """Whether there is a scale for each index along `quantized_dimension`."""
        return len(self.scale) > 1


@dataclass(frozen=True)
class Operator:
    """One operator. `inputs` and `outputs` are tensor indices, -1 for an input that is left out."""

    index: int
    kind: str  # BuiltinOperator name such as "CONV_2D", or the name of a custom operator
    custom: bool
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]  # fields of the builtin options, by their schema names; enums as names
    macs: int
    layer: str  # the Keras layer it came from, as far as tensor names tell
    options_table: str = ""  # e.g. "Conv2DOptions"; empty: the file has none
    code: int = 0  # BuiltinOperator number
    short_code: int = 0  # what the field of before 2020 holds, all that a tree of 2020 reads
    custom_options: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class Graph:
    """One subgraph: its tensors, and its operators in the order in which they run."""

    index: int
    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
