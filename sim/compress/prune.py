"""Magnitude pruning: the smallest weights become zero, a little more every epoch, and the others make up for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compress.data import Samples
from sim.compress.tuning import Hold, State, Tuning, fine_tune, kernels

Array = NDArray[Any]
RISING = 0.6  # share of the epochs in which the sparsity rises


def prune(
    state: State,
    train: Samples,
    sparsity: float,
    how: Tuning,
    progress: Callable[[str], None] = lambda text: None,
) -> State:
    """Make `sparsity` of all kernel weights zero and fine-tune the rest, in place.

    Weights of all layers compete by their size in standard deviations of their own layer (the paper's threshold), so
    layers with much to spare lose more. The sparsity rises as 1 - (1 - t)^3 (Zhu and Gupta 2017). Biases stay.
    """
    found = kernels(state.model)
    scale = {v.path: float(np.std(v.numpy())) or 1.0 for v in found}
    before = {v.path: state.holds[v.path].mask for v in found if v.path in state.holds}
    begun = 1 - np.concatenate([m.ravel() for m in before.values()]).mean() if before else 0.0
    rising = max(1, round(RISING * how.epochs))

    def to(share: float) -> None:
        masks = smallest({v.path: np.abs(v.numpy()) / scale[v.path] for v in found}, share)
        for v in found:
            state.holds[v.path] = Hold(masks[v.path] & before.get(v.path, np.ones(v.shape, bool)))

    def each(epoch: int) -> None:
        if epoch < rising:
            to(float(begun + (sparsity - begun) * (1 - (1 - (epoch + 1) / rising) ** 3)))

    if how.epochs:
        fine_tune(state, train, how, before_epoch=each, progress=progress)
    else:  # in one go, and nothing makes up for it
        to(sparsity)
        for v in found:
            v.assign(v.numpy() * state.holds[v.path].mask)
    return state


def smallest(sizes: dict[str, Array], share: float) -> dict[str, Array]:
    """Masks, False for the `share` of all entries that are smallest; each array keeps its largest one.

    Exactly round(share * n) are False, as far as that allows; of equal ones the first in order go first.
    """
    names = list(sizes)
    flat = np.concatenate([sizes[n].ravel() for n in names]).astype(np.float64)
    start = 0
    for n in names:
        flat[start + int(sizes[n].argmax())] = np.inf
        start += sizes[n].size
    mask = np.ones(len(flat), bool)
    mask[np.argsort(flat, kind="stable")[: round(share * len(flat))]] = False
    mask[np.isinf(flat)] = True
    out, start = {}, 0
    for n in names:
        out[n] = mask[start : start + sizes[n].size].reshape(sizes[n].shape)
        start += sizes[n].size
    return out
