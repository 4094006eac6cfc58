"""Dataset accuracy on the device: a labelled set through the sensor path of a virtual board.

`from sim import evaluate` gives this module or the function in it, whichever was there first: both are called alike.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from sim.evaluate.evaluating import evaluate
from sim.evaluate.evaluation import Evaluation
from sim.evaluate.labelled import Labelled

__all__ = ["Evaluation", "Labelled", "evaluate"]


class _Callable(ModuleType):
    """Importing `sim.evaluate` puts the module in the place of the function of that name in `sim`."""

    def __call__(self, *args: Any, **options: Any) -> Evaluation:
        return evaluate(*args, **options)


sys.modules[__name__].__class__ = _Callable
