"""The same recordings on this machine: the model folder's own features, and the int8 model in a host interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.evaluate.labelled import Playable
from sim.evaluate.opening import Opening
from sim.evaluate.use import FILE, Use
from sim.measure.host import Host as Interpreter
from sim.measure.host import hosts
from sim.model import Model
from sim.tensors_io import rows


@dataclass(frozen=True)
class HostDecision:
    """What the host decides: samples taken up to it, index of the label."""

    samples: int
    index: int


class HostModel:
    """The int8 model on this machine: inputs [n, ...] -> stored outputs [n, ...] of its first output.

    Integers are stored inputs as they are; floats are real values, quantised as the device's `set_real` does.
    `scales` are the physical values of one code, a channel, of the sensor as the app has opened it.
    """

    def __init__(self, model: Model) -> None:
        """Raises SetupError where no interpreter is installed, UsageError where it refuses the model."""
        self.model = model
        self._interpreter: Interpreter = next(hosts(model))
        self.text = self._interpreter.text
        self.scales: tuple[float, ...] = ()

    def __call__(self, inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Raises UsageError for inputs of another shape, beyond the tensor's type, or not finite."""
        given, taken = self.model.inputs[0], self.model.outputs[0]
        shape = taken.shape[1:] if taken.shape[:1] == (1,) else taken.shape
        out = np.zeros((len(inputs), *shape), dtype=taken.dtype)
        for i, row in enumerate(rows(inputs, given, "run: input") if len(inputs) else ()):
            self._interpreter.run([row])
            found = self._interpreter.tensor(taken.index)
            assert found is not None, "an output is always given"
            out[i] = np.array(found).reshape(shape)
        return out


class HostSide:
    """A model with its features on this machine."""

    def __init__(self, model: Model, use: Use) -> None:
        """See HostModel."""
        self._use = use
        self._run = HostModel(model)
        self.text = self._run.text

    def decide(self, stimulus: Playable, opening: Opening, name: str) -> list[HostDecision]:
        """All decisions about one recording. Raises UsageError where the model folder's code fails."""
        assert self._use.host is not None
        codes = opening.codes(stimulus)
        self._run.scales = opening.part.scales(opening.ranges)
        try:
            found = self._use.host(codes, self._run)
            return [HostDecision(int(samples), int(index)) for samples, index in found]
        except Exception as error:  # it is anybody's code
            raise UsageError(f"{self._use.folder / FILE}: host() of {name}: {type(error).__name__}: {error}") from error


def equal(board: Sequence[tuple[int, int]], host: Sequence[HostDecision]) -> list[tuple[int, bool]]:
    """Of each decision of either side, in order: its number, and whether both are the same."""
    sides = list(board), [(h.samples, h.index) for h in host]
    count = max(len(sides[0]), len(sides[1]))
    return [(i, i < len(sides[0]) and i < len(sides[1]) and sides[0][i] == sides[1][i]) for i in range(count)]
