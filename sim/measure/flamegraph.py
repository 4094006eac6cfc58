"""Flame graph as speedscope reads it: https://www.speedscope.app, file format `speedscope.app/file-format-schema`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.engines.protocol import CallNode
from sim.measure.calls import stacks


def speedscope(name: str, nodes: Sequence[CallNode], layers: Sequence[str], *, cycles: bool) -> dict[str, Any]:
    """One profile of instructions and, with `cycles`, one of cycles; a sample a place in the tree of calls."""
    frames: dict[str, int] = {}
    samples: list[tuple[list[int], CallNode]] = []
    for stack, node in stacks(nodes, layers):
        samples.append(([frames.setdefault(f, len(frames)) for f in stack], node))
    kinds = ["cycles", "instructions"] if cycles else ["instructions"]
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": name,
        "exporter": "boardless",
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": f} for f in frames]},
        "profiles": [_profile(kind, [(s, getattr(n, kind)) for s, n in samples]) for kind in kinds],
    }


def _profile(kind: str, weighted: list[tuple[list[int], int]]) -> dict[str, Any]:
    some = [(s, w) for s, w in weighted if w]
    return {
        "type": "sampled",
        "name": kind,
        "unit": "none",
        "startValue": 0,
        "endValue": sum(w for _, w in some),
        "samples": [s for s, _ in some],
        "weights": [w for _, w in some],
    }
