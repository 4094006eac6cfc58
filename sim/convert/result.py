"""What a conversion gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Quantisation:
    """One input or output: real value = (raw - zero_point) * scale. `scale` is 0 where it is not quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int

    def __str__(self) -> str:
        kind = f"{self.dtype} {list(self.shape)}"
        if not self.scale:
            return f"{self.name}: {kind}, not quantised"
        offset = f"(raw {'+' if self.zero_point < 0 else '-'} {abs(self.zero_point)})" if self.zero_point else "raw"
        return f"{self.name}: {kind}, real = {offset} * {self.scale:.9g}"


@dataclass(frozen=True)
class OutputError:
    """How far one output of the `.tflite` is from the float model, over `rows` rows of the given data.

    `max` and `mean` are absolute differences in the output's own unit; `max_lsb` and `mean_lsb` the same in steps
    of its quantisation (0 where it is not quantised). `same_argmax` is the share of rows whose largest element is
    the same one, None for an output with a single element a row.
    """

    name: str
    rows: int
    max: float
    mean: float
    max_lsb: float
    mean_lsb: float
    same_argmax: float | None

    def __str__(self) -> str:
        text = f"{self.name}: max {self.max:.3g}, mean {self.mean:.3g}"
        if self.max_lsb:
            text += f" ({self.max_lsb:.1f} and {self.mean_lsb:.2f} LSB)"
        if self.same_argmax is not None:
            text += f", same largest element in {100 * self.same_argmax:.1f} % of {self.rows} rows"
        return text


@dataclass(frozen=True)
class Conversion:
    """A converted model and what is known of it.

    `replaced` says which layers were rewritten and as what; `rewrite_error` is the largest difference between the
    float model as given and the float model as rewritten, on the given data (None: nothing was rewritten).
    `refusals` are what the tree still cannot compute, one text each (empty: it runs).
    """

    tflite: bytes = field(repr=False)
    inputs: tuple[Quantisation, ...]
    outputs: tuple[Quantisation, ...]
    errors: tuple[OutputError, ...]
    dtype: str
    tree: str
    replaced: tuple[str, ...] = ()
    rewrite_error: float | None = None
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    path: Path | None = field(default=None, compare=False)

    def as_json(self) -> Mapping[str, Any]:
        """For `boardless convert --json`: see sim/report/schemas/convert.json."""
        import hashlib

        return {
            "model_sha256": hashlib.sha256(self.tflite).hexdigest(),
            "bytes": len(self.tflite),
            "dtype": self.dtype,
            "tflm": self.tree,
            "inputs": [_plain(q) for q in self.inputs],
            "outputs": [_plain(q) for q in self.outputs],
            "errors": [vars(e) for e in self.errors],
            "replaced": list(self.replaced),
            "rewrite_error": self.rewrite_error,
            "notes": list(self.notes),
            "refusals": list(self.refusals),
        }


def _plain(q: Quantisation) -> dict[str, Any]:
    return {**vars(q), "shape": list(q.shape)}
