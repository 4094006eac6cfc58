"""Recurrent layers: SimpleRNN unrolled; LSTM and GRU refused with the way out."""

from __future__ import annotations

from typing import Any

from sim.convert.rewrite.context import Context, sizes
from sim.errors import UsageError

_LONGEST = 64  # steps; each becomes some five operators


def simple_rnn(c: Context, layer: Any, x: Any) -> Any:
    """SimpleRNN -> the same, unrolled over time: the tree has neither WHILE nor a sequence RNN."""
    shape = sizes(x)
    if shape is None or layer.unroll:
        return None
    if shape[0] > _LONGEST:
        raise UsageError(
            f"layer {layer.name!r}: SimpleRNN over {shape[0]} steps would become some {5 * shape[0]} operators",
            hint=f"shorten the window to {_LONGEST} steps, or use a causal Conv1D",
        )
    config = layer.get_config()
    config["name"], config["unroll"] = c.name(layer, "unrolled"), True
    c.say(layer, f"unrolled over {shape[0]} steps")
    return c.with_weights(type(layer).from_config(config), x, layer.get_weights())


def refused(c: Context, layer: Any, x: Any) -> Any:
    """LSTM, GRU and Bidirectional: UsageError that says why and what instead."""
    kind = type(layer).__name__
    if kind == "Bidirectional":
        why = "it becomes a loop operator (WHILE) and one that reverses time, and the tree has neither"
    else:
        why = (
            "it has no such operator, and its memory planner refuses the unrolled form (a SPLIT with an unread output)"
        )
    raise UsageError(
        f"layer {layer.name!r}: {kind} cannot run on the July 2020 tree: {why}",
        hint="use causal (dilated) Conv1D layers or a SimpleRNN, or point the setting tflm to a current tree",
    )
