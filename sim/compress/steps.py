"""Steps of a compression as people write them: "prune:0.8,cluster:16,int8"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sim.errors import UsageError, near

# kind -> example, what it does
KINDS = {
    "channels": ("channels:0.5", "removes that share of each layer's filters and units, for good"),
    "prune": ("prune:0.8", "makes that share of all weights zero, the smallest ones"),
    "cluster": ("cluster:16", "leaves that many different weights a layer"),
    "int8": ("int8", "integer arithmetic"),
}
_AFTER = "removing filters, pruning, sharing and int8 follow each other: channels, prune, cluster, int8"


@dataclass(frozen=True)
class Step:
    """One step. `value`: a share above 0 and below 1 (channels, prune), a count of 2 to 256 (cluster), 0 (int8)."""

    kind: str
    value: float = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind == "int8" else f"{self.kind}:{self.value:g}"


def parse(text: str | Sequence[Step | str]) -> tuple[Step, ...]:
    """Steps of a text with commas, or of a list of steps or texts. Raises UsageError: unknown, out of range, order."""
    parts = text.split(",") if isinstance(text, str) else list(text)
    steps = tuple(_checked(p) if isinstance(p, Step) else _one(p) for p in parts)
    if not steps:
        raise UsageError("no step was given", hint="such as prune:0.8,cluster:16,int8")
    order = list(KINDS)
    for before, step in pairwise(steps):
        if order.index(step.kind) < order.index(before.kind):
            raise UsageError(f"steps: {step} cannot come after {before}: it would undo it", hint=_AFTER)
        if step.kind == before.kind and step.kind in ("int8", "cluster"):
            raise UsageError(f"steps: {step.kind} twice", hint="once is all it can do")
        if step.kind == before.kind == "prune" and step.value <= before.value:
            raise UsageError(
                f"steps: {step} after {before} changes nothing", hint="the share is of all weights: rising"
            )
    return steps


def _one(text: str) -> Step:
    kind, colon, number = text.strip().partition(":")
    if kind not in KINDS:
        raise UsageError(f"steps: there is no step {text.strip()!r}", hint=near(kind, KINDS))
    if kind == "int8":
        if colon:
            raise UsageError(f"steps: {text.strip()!r}: int8 takes no number", hint="write int8")
        return Step(kind)
    try:
        value = float(number)
    except ValueError:
        what = f"{number!r} is no number" if colon else "needs a number"
        raise UsageError(f"steps: {text.strip()!r}: {what}", hint=f"such as {KINDS[kind][0]}") from None
    return _checked(Step(kind, value))


def _checked(step: Step) -> Step:
    if step.kind not in KINDS:
        raise UsageError(f"steps: there is no step {step.kind!r}", hint=near(step.kind, KINDS))
    if step.kind == "cluster" and not (step.value == math.floor(step.value) and 2 <= step.value <= 256):
        raise UsageError(f"steps: cluster:{step.value:g}: a whole number from 2 to 256 is needed", hint="cluster:16")
    if step.kind in ("prune", "channels") and not 0 < step.value < 1:
        hint = f"80 % is {step.kind}:0.8"
        raise UsageError(f"steps: {step}: a share above 0 and below 1 is needed", hint=hint)
    return step
