"""The TFLM tree that firmware is compiled from: found, recognised, and named by its content."""

from __future__ import annotations

from sim.tflm.tree import TflmTree, tree_for

__all__ = ["TflmTree", "tree_for"]
