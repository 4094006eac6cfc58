"""The digits of scikit-learn, shown to the camera as 8 x 8 squares of 12 x 12 pixels.

1797 handwritten digits, 8 x 8, values 0..16 (UCI Optical Recognition of Handwritten Digits, its test set). The file
seems ordered by writer, so a split by position is a split by writers; every third digit is held out here, which is
the easier question: other digits of, in part, the same writers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError

SOURCE = "digits (scikit-learn)"
INK, PAPER = 0.8, 0.1  # shares of full scale: bright strokes on dark


class DataMissing(UsageError):
    """The package that brings the data is not installed."""


def load(part: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Pictures [n, 8, 8] of strokes 0..1, and their digits [n]. `part`: "train", "test" (every third), "all"."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataMissing("the digits come with scikit-learn: pip install 'boardless[data]'") from None
    found = load_digits()
    held_out = np.arange(len(found.target)) % 3 == 2
    chosen = {"train": ~held_out, "test": held_out, "all": np.full(len(held_out), True)}[part]
    return found.images[chosen] / 16.0, found.target[chosen].astype(np.int64)


def shares(strokes: NDArray[np.float64], ink: float = INK, paper: float = PAPER) -> NDArray[np.float64]:
    """Strokes 0..1 -> brightness as shares of full scale."""
    return paper + strokes * (ink - paper)
