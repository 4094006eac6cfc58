"""What a rule is given: the Keras modules, the graph around a layer, and a list to say what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# (context, layer, its input tensor) -> new output tensor, or None: the layer stays as it is
Rule = Callable[["Context", Any, Any], Any]


@dataclass
class Context:
    """One walk over one model. Tensors are KerasTensors of the new graph; their batch axis comes first."""

    tf: Any
    keras: Any
    every_relu: bool = False
    readers: dict[int, int] = field(default_factory=dict)
    replaced: list[str] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)

    @property
    def layers(self) -> Any:
        return self.keras.layers

    def say(self, layer: Any, instead: str) -> None:
        """Record one replacement, in words."""
        line = f"{plain_name(layer)} ({type(layer).__name__}): {instead}"
        if line not in self.replaced:
            self.replaced.append(line)

    def name(self, layer: Any, what: str) -> str:
        """Name of a new layer: after the one it replaces, so that profile and refusals still say where it is.

        The counters that Keras names layers by go on for the whole process, which would end up in the file.
        """
        base = f"{plain_name(layer)}_{what}"
        self.used[base] = self.used.get(base, 0) + 1
        return base if self.used[base] == 1 else f"{base}_{self.used[base]}"

    def reshape(self, layer: Any, x: Any, shape: tuple[int, ...]) -> Any:
        """Reshape all but the batch axis; nothing when it has that shape already."""
        if tuple(x.shape[1:]) == tuple(shape):
            return x
        return self.layers.Reshape(tuple(shape), name=self.name(layer, "reshape"))(x)

    def with_weights(self, layer: Any, x: Any, weights: list[Any]) -> Any:
        """Call a new layer on `x`, then give it `weights`."""
        y = layer(x)
        layer.set_weights(weights)
        return y


def plain_name(layer: Any) -> str:
    """The name that the layer has in the model as given (see `walk._linear`)."""
    return str(layer.name).removesuffix("_linear")


def sizes(x: Any) -> tuple[int, ...] | None:
    """All axes but the batch; None where one is not known before running."""
    shape = tuple(x.shape[1:])
    return None if any(s is None for s in shape) else tuple(int(s) for s in shape)
