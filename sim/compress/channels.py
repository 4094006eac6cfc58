"""Structured pruning: filters and units are taken out, the model is rebuilt without them: less flash, fewer cycles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compress.data import Samples
from sim.compress.kept import LOSING, Kept, Stuck, rule
from sim.compress.tuning import State, Tuning, fine_tune, loss_for
from sim.convert.quiet import quiet, tensorflow
from sim.convert.rewrite import functional
from sim.errors import UsageError

Array = NDArray[Any]
SCORED_ROWS = 1024
LAST = "its outputs are the model's"


def channels(
    state: State,
    train: Samples,
    share: float,
    how: Tuning,
    progress: Callable[[str], None] = lambda text: None,
) -> State:
    """Take floor(share * n) of the n filters (units) out of each layer that can lose some, and fine-tune the rest.

    Out go those that the loss would miss least: the mean of |activation * gradient|, summed over places (Molchanov
    et al. 2017). Whole stay the last layer, layers whose outputs are added to others', and those before a layer that
    is not understood; notes say which. Raises UsageError when nothing can be taken out.
    """
    model = functional(state.model)
    scores = importance(model, train)
    stay: dict[str, str] = {}
    while True:
        lost = {name: _worst(values, share) for name, values in scores.items() if name not in stay}
        try:
            with quiet():
                new = _Rebuilt(model, lost).model
            break
        except Stuck as stuck:
            blamed = {name: str(stuck) for name in stuck.sources if name not in stay}
            if not blamed:
                raise UsageError(f"channels: {stuck}", hint="leave this step out") from None
            stay.update(blamed)
    sizes = {name: (len(values), int(values.sum())) for name, values in lost.items() if values.any()}
    if not sizes:
        why = "; ".join(f"{name} stays whole: {reason}" for name, reason in stay.items())
        raise UsageError(f"channels:{share:g}: no layer can lose a filter{f': {why}' if why else ''}",
                         hint="a larger share, or leave this step out")  # fmt: skip
    state.notes += [f"{name}: {n} -> {n - out}" for name, (n, out) in sizes.items()]
    state.notes += [f"{name} stays whole: {reason}" for name, reason in stay.items() if reason != LAST]
    new_state = State(new, notes=state.notes)
    fine_tune(new_state, train, how, progress=progress)
    return new_state


def importance(model: Any, train: Samples) -> dict[str, Array]:
    """Of each layer that could lose filters: how much the loss would miss each, float64 [filters]."""
    tf, keras = tensorflow()
    traced = _traced(model)
    found = [layer for layer in model.layers if type(layer).__name__ in LOSING and len(traced[layer.name]) == 1]
    if not found:
        kinds = ", ".join(sorted({type(layer).__name__ for layer in model.layers}))
        raise UsageError(f"channels: no layer with filters or units that could go (there are: {kinds})")
    rows = np.linspace(0, len(train) - 1, min(SCORED_ROWS, len(train))).round().astype(int)
    sums: dict[str, Array] = {}
    with quiet():
        watched = keras.Model(traced[""], [*(traced[layer.name][0] for layer in found), traced["."][0]])
        loss_of = loss_for(keras, model)
        for start in range(0, len(rows), 64):
            some = rows[start : start + 64]
            with tf.GradientTape() as tape:
                x = tf.constant(train.x[some])
                tape.watch(x)
                *inner, scores = watched(x, training=False)
                loss = loss_of(tf.constant(train.y[some]), scores) * len(some)
            for layer, values, slope in zip(found, inner, tape.gradient(loss, inner), strict=True):
                if slope is None:  # the last layer, whose softmax Keras takes together with the loss
                    continue
                product = np.asarray(values * slope, np.float64)
                product = product.reshape(len(some), -1, product.shape[-1]).sum(axis=1)
                sums[layer.name] = sums.get(layer.name, 0) + np.abs(product).sum(axis=0)
    return {name: total / len(rows) for name, total in sums.items()}


def _traced(model: Any) -> dict[str, list[Any]]:
    """Outputs of each call of each layer, by its name, in one graph; the model's inputs as "", its outputs as "."."""
    _, keras = tensorflow()
    out: dict[str, list[Any]] = {layer.name: [] for layer in model.layers}

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        given = layer(*args, **kwargs)
        out[layer.name].append(given)
        return given

    with quiet():
        same = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    return {**out, "": list(same.inputs), ".": list(same.outputs)}


def _worst(scores: Array, share: float) -> Array:
    """True for those that go; one stays at least."""
    out = np.zeros(len(scores), bool)
    out[np.argsort(scores, kind="stable")[: min(int(share * len(scores) + 1e-9), len(scores) - 1)]] = True
    return out


@dataclass
class _Rebuilt:
    """The model without the filters in `lost` (by layer: True goes). Raises Stuck."""

    given: Any
    lost: dict[str, Array]

    def __post_init__(self) -> None:
        self.calls = {name: len(found) for name, found in _traced(self.given).items()}
        _, self.keras = tensorflow()
        self.kept: dict[int, tuple[Any, Kept]] = {}  # the tensors too, so that no other gets their id
        self.shared: dict[str, Any] = {}
        self.model = self.keras.models.clone_model(
            self.given, clone_function=lambda layer: layer, call_function=self._call
        )
        for tensor in self.model.outputs:
            kept = self._of(tensor)
            if not kept.mask.all():
                raise Stuck(LAST, kept.sources)

    def _of(self, tensor: Any) -> Kept:
        if id(tensor) not in self.kept:
            whole = Kept(np.ones([s or 1 for s in tensor.shape[1:]], bool), frozenset())
            self.kept[id(tensor)] = (tensor, whole)
        return self.kept[id(tensor)][1]

    def _call(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        tensors = [t for t in self.keras.tree.flatten((args, kwargs)) if isinstance(t, self.keras.KerasTensor)]
        inputs = [self._of(t) for t in tensors]
        if self.calls[layer.name] > 1 or hasattr(layer, "layers"):
            what = "is used more than once" if self.calls[layer.name] > 1 else "is a model of its own"
            if not all(k.mask.all() for k in inputs):
                sources = frozenset[str]().union(*(k.sources for k in inputs))
                raise Stuck(f"{layer.name}, which reads it, {what}", sources)
            return layer(*args, **kwargs)
        new, weights, kept = rule(layer, inputs, self.lost.get(layer.name))
        out = new(*args, **kwargs)
        if weights is not None:
            new.set_weights(weights)
        for tensor in self.keras.tree.flatten(out):
            self.kept[id(tensor)] = (tensor, kept)
        return out
