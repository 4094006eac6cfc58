"""What the chosen TFLM tree means for a conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.errors import SetupError

if TYPE_CHECKING:
    from sim.tflm import TflmTree


@dataclass(frozen=True)
class Target:
    """A TFLM tree, or the default one's generation where the tree itself cannot be had here."""

    generation: str
    text: str
    tree: TflmTree | None
    kernels: str
    missing: str = ""

    def refusals(self, tflite: bytes, notes: list[str]) -> tuple[str, ...]:
        """What the tree cannot compute of a converted model, one text each."""
        if self.tree is None:
            notes.append(f"not checked against a TFLM tree: {self.missing}")
            return ()
        from sim.model import Model
        from sim.model.check import refusals

        found = refusals(Model.from_bytes(tflite, "converted model"), self.tree, self.kernels)
        return tuple(f"{r.layer} ({r.kind}): {r.reason}; {r.remedy}" for r in found)


def target(tree: TflmTree | None, kernels: str) -> Target:
    """The given tree, or that of the settings; the default one need not be fetched for a conversion."""
    if tree is None:
        from sim.settings import Settings
        from sim.tflm import tree_for

        settings = Settings.load()
        try:
            tree = tree_for(settings)
        except SetupError as error:
            if settings.tflm:
                raise
            return Target("2020", "tfmicro 0.1.0 (TFLM of July 2020)", None, kernels, error.message)
    return Target(tree.generation, tree.version_text, tree, kernels)
