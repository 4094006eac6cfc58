"""Model: a .tflite seen from outside, verified so that nothing it says leads outside of the file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sim.errors import UsageError
from sim.model.types import Graph, Operator, Tensor

__all__ = ["Graph", "Model", "Operator", "Tensor"]

MAX_BYTES = 64 << 20  # no Cortex-M has more flash; keeps a wrong file from filling the memory


@dataclass(frozen=True, eq=False)
class Model:
    """A verified .tflite. `tensors` and `operators` are those of the graph that runs first."""

    data: bytes = field(repr=False)
    path: Path | None
    name: str
    version: int
    description: str
    graphs: tuple[Graph, ...] = field(repr=False)
    runtime: str = ""  # least TFLite version the converter asks for
    converter: str = ""  # TensorFlow version that converted, where the file says

    @staticmethod
    def load(path: str | Path) -> Model:
        """The model in the file `path`; UsageError when there is none or it is not sound."""
        path = Path(path)
        try:
            size = path.stat().st_size
            if not path.is_file():
                raise UsageError(f"{path}: not a file", hint="give the path of a .tflite file")
            if size > MAX_BYTES:
                raise UsageError(f"{path}: {size} bytes; a .tflite for a microcontroller has at most {MAX_BYTES}")
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from None
        return Model.from_bytes(data, path.name, path=path)

    @staticmethod
    def from_bytes(data: bytes, name: str = "model", *, path: Path | None = None) -> Model:
        """The model in `data`; `name` stands in messages. UsageError when it is not sound."""
        from sim.model.read import read

        return read(bytes(data), str(path or name), path)

    @cached_property
    def sha256(self) -> str:
        """Of the whole file, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.graphs[0].tensors

    @property
    def operators(self) -> tuple[Operator, ...]:
        return self.graphs[0].operators

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Input tensors in the order of the file, which is the order of `interpreter->input(i)`."""
        return tuple(self.tensors[i] for i in self.graphs[0].inputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Output tensors in the order of the file."""
        return tuple(self.tensors[i] for i in self.graphs[0].outputs)

    @cached_property
    def op_kinds(self) -> tuple[str, ...]:
        """Kinds of all operators of all graphs, sorted, each once: what an op resolver must know."""
        return tuple(sorted({o.kind for graph in self.graphs for o in graph.operators}))

    @cached_property
    def variables(self) -> int | None:
        """How many variables the model keeps from one inference to the next; None: no operator makes one."""
        if "VAR_HANDLE" not in self.op_kinds:
            return None
        handles = [o.options for g in self.graphs for o in g.operators if o.kind == "VAR_HANDLE"]
        return len({(options.get("container"), options.get("shared_name")) for options in handles})

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference (see sim.model.macs)."""
        return sum(o.macs for o in self.operators)

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of all constants of all graphs; shared buffers count once."""
        seen = {id(t.data): len(t.data) for g in self.graphs for t in g.tensors if t.data is not None}
        return sum(seen.values())

    def weights_of(self, operator: Operator) -> int:
        """Bytes of the constants that an operator reads."""
        tensors = [self.tensors[i] for i in operator.inputs if i >= 0]
        return sum(t.nbytes for t in tensors if t.constant)
