"""Weight sharing: a layer's weights are some few values, found by k-means and then fine-tuned as those values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compress.data import Samples
from sim.compress.tuning import Hold, State, Tuning, fine_tune, kernels

Array = NDArray[Any]
ROUNDS = 100  # of k-means; it stops earlier when nothing moves


def cluster(
    state: State,
    train: Samples,
    count: int,
    how: Tuning,
    progress: Callable[[str], None] = lambda text: None,
) -> State:
    """Leave at most `count` different weights other than zero in each kernel, and fine-tune them, in place.

    What pruning made zero stays zero and takes none of them.
    """
    for v in kernels(state.model):
        weights = v.numpy()
        mask = state.holds[v.path].mask if v.path in state.holds else np.ones(weights.shape, bool)
        means, numbers = k_means(weights[mask], count)
        groups = np.zeros(weights.shape, np.int64)
        groups[mask] = numbers + 1
        state.holds[v.path] = Hold(mask, groups)
        v.assign(np.concatenate([np.zeros(1, np.float32), means])[groups])
    fine_tune(state, train, how, progress=progress)
    return state


def books(state: State) -> list[Array]:
    """The shared weights of each clustered kernel: float32 [k], without zero."""
    out = []
    for v in kernels(state.model):
        hold = state.holds.get(v.path)
        if hold is not None and hold.groups is not None:
            values = np.unique(v.numpy()[hold.groups > 0])
            out.append(values[values != 0].astype(np.float32))
    return out


def k_means(values: Array, count: int) -> tuple[Array, Array]:
    """(means [k] float32 rising, number of each value's mean [n]); k is `count`, or as many as there are values.

    In one dimension, begun with means at equal distances from least to most (the paper's linear initialisation, which
    keeps large weights), so nothing is random. A mean that loses all its values is dropped.
    """
    flat = values.astype(np.float64)
    distinct = np.unique(flat)
    means = distinct if len(distinct) <= count else np.linspace(distinct[0], distinct[-1], count)
    for _ in range(ROUNDS):
        numbers = _nearest(flat, means)
        sums, sizes = np.bincount(numbers, flat, len(means)), np.bincount(numbers, minlength=len(means))
        moved = (sums / np.maximum(sizes, 1))[sizes > 0]
        if len(moved) == len(means) and np.allclose(moved, means, rtol=0, atol=1e-9):
            break
        means = moved
    return means.astype(np.float32), _nearest(flat, means)


def _nearest(flat: Array, means: Array) -> Array:
    return np.searchsorted((means[1:] + means[:-1]) / 2, flat)
