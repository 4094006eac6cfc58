"""Layers that the July 2020 tree gets wrong, replaced by equal ones, weights kept.

Each rule works on the Keras graph, before anything is quantised, so the float model before and after can be
compared. `docs/convert.md` has the table; notes on what the tree computes wrongly are with `sim.model.check`.
"""

from __future__ import annotations

from sim.convert.rewrite.walk import functional, rewritten

__all__ = ["functional", "rewritten"]
