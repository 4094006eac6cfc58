"""Fine-tuning that keeps what a step did: zeros stay zero, shared weights stay equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compress.data import Samples
from sim.convert.quiet import quiet, tensorflow

Array = NDArray[Any]
BATCH = 64


@dataclass(frozen=True)
class Tuning:
    """How to fine-tune after a step: `epochs`, and the learning `rate` that falls to 0 over them as a cosine."""

    epochs: int = 20
    rate: float = 1e-3
    seed: int = 1


@dataclass(eq=False)
class Hold:
    """What is fixed of one kernel: `mask` (False: stays zero), `groups` (those of a number stay equal, 0: zero)."""

    mask: Array
    groups: Array | None = None


@dataclass(eq=False)
class State:
    """A model on its way through the steps. `holds`: by path of the kernel's variable."""

    model: Any
    holds: dict[str, Hold] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def kernels(model: Any) -> list[Any]:
    """The variables that steps work on: of each layer those that weigh inputs; no biases, no normalisation."""
    return [v for v in model.trainable_variables if len(v.shape) >= 2]


def fresh(model: Any, seed: int) -> Any:
    """A copy whose dropout begins anew at `seed`; afterwards this process draws the same numbers every time."""
    tf, keras = tensorflow()
    with quiet():
        keras.utils.set_random_seed(seed)
        tf.config.experimental.enable_op_determinism()
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
    return copy


def fine_tune(
    state: State,
    train: Samples,
    how: Tuning,
    *,
    before_epoch: Callable[[int], None] = lambda epoch: None,
    progress: Callable[[str], None] = lambda text: None,
) -> None:
    """Train `state.model` in place, Adam, batches of 64 in an order that the seed says.

    Gradients of what is zero are zero; those of shared weights are summed, as in the paper, so they stay equal bit for
    bit. `before_epoch` may change `state.holds`.
    """
    tf, keras = tensorflow()
    model = state.model
    rng = np.random.default_rng(how.seed)
    with quiet():
        optimizer = keras.optimizers.Adam(how.rate)
        optimizer.build(model.trainable_variables)
        masks = {v.path: tf.Variable(tf.ones(v.shape), trainable=False) for v in kernels(model)}
        step = _step(tf, keras, state, optimizer, masks)
    for epoch in range(how.epochs):
        before_epoch(epoch)
        with quiet():
            for v in kernels(model):
                if v.path in state.holds:
                    mask = state.holds[v.path].mask.astype(np.float32)
                    masks[v.path].assign(mask)
                    v.assign(v * mask)
            optimizer.learning_rate = how.rate * 0.5 * (1 + float(np.cos(np.pi * epoch / how.epochs)))
            order = rng.permutation(len(train))
            losses = []
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                losses.append(float(step(tf.constant(train.x[rows]), tf.constant(train.y[rows]))))
        progress(f"epoch {epoch + 1} of {how.epochs}: loss {np.mean(losses):.4f}")


def _step(tf: Any, keras: Any, state: State, optimizer: Any, masks: dict[str, Any]) -> Any:
    model = state.model
    loss_of = loss_for(keras, model)
    groups = {
        path: (tf.constant(hold.groups.ravel().astype(np.int32)), int(hold.groups.max()) + 1)
        for path, hold in state.holds.items()
        if hold.groups is not None
    }

    def one(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = []
        for v, g in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True):
            if v.path in masks:
                g = g * masks[v.path]
            if v.path in groups:
                numbers, count = groups[v.path]
                sums = tf.math.unsorted_segment_sum(tf.reshape(g, [-1]), numbers, count)
                g = tf.reshape(tf.gather(sums, numbers), v.shape) * masks[v.path]
            gradients.append(g)
        optimizer.apply(gradients, model.trainable_variables)
        for v in model.trainable_variables:
            if v.path in masks:  # what has just become zero still has Adam's momentum
                v.assign(v * masks[v.path])
        return loss

    return tf.function(one, reduce_retracing=True)


def loss_for(keras: Any, model: Any) -> Any:
    """Cross entropy of class numbers, of probabilities or of logits, whichever the last layer gives."""
    last = model.outputs[0]._keras_history.operation
    name = getattr(getattr(last, "activation", None), "__name__", type(last).__name__.lower())
    logits = name not in ("softmax", "sigmoid")
    if int(model.outputs[0].shape[-1]) > 1:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    two = keras.losses.BinaryCrossentropy(from_logits=logits)
    return lambda y, scores: two(keras.ops.reshape(y, (-1, 1)), scores)
