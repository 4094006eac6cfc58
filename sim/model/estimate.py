"""How much memory a model will take, reckoned from the file: an estimate until it has run.

Live activations follow from the lifetimes of tensors exactly. The rest is fitted to what was measured with two
MLPerf Tiny models on Cortex-M4 at -O2 (31 and 35 tensors, 1 and 6 kinds of operators), and is right to about 15 %
there; operators with scratch buffers (CMSIS-NN convolutions, SVDF, LSTM) need more.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.model import Graph, Model

_ALIGN = 16
# generation, kernels -> bytes of code without any operator, and per kind of operator
_CODE = {
    ("2020", "reference"): (26_800, 3_800),
    ("current", "reference"): (28_600, 5_150),
    ("current", "cmsis-nn"): (35_300, 11_700),
}
OTHER_RAM = 8 * 1024  # stack, static data of C library and port


@dataclass(frozen=True)
class Estimate:
    """Bytes that a model takes on any board, with one tree and kernels."""

    live: int  # activations alive at once, at most
    live_at: int  # index of the operator where that is
    arena: int
    code: int
    flash: int  # the .tflite and the code
    ram: int  # arena, stack, static data


def live(graph: Graph) -> tuple[int, int]:
    """(bytes of all activations alive at once, operator where they are most); each rounded up to 16 bytes."""
    last = {i: o.index for o in graph.operators for i in o.inputs if i >= 0}
    end = len(graph.operators) - 1
    last |= dict.fromkeys(graph.outputs, end)
    first = {i: o.index for o in reversed(graph.operators) for i in o.outputs} | dict.fromkeys(graph.inputs, 0)
    sizes = [-(-t.nbytes // _ALIGN) * _ALIGN for t in graph.tensors]
    change = [0] * (end + 2)
    for t in graph.tensors:
        if t.constant:
            continue
        born = 0 if t.variable else first.get(t.index, -1)
        if born < 0:
            continue
        change[born] += sizes[t.index]
        change[(end if t.variable else max(last.get(t.index, born), born)) + 1] -= sizes[t.index]
    most, at, now = 0, 0, 0
    for index, step in enumerate(change[:-1]):
        now += step
        if now > most:
            most, at = now, index
    return most, at


def estimate(model: Model, generation: str, kernels: str) -> Estimate:
    """What `model` takes with kernels ("reference", "cmsis-nn") of a tree ("2020", "current")."""
    graph = model.graphs[0]
    most, at = live(graph)
    others = max((live(g)[0] for g in model.graphs[1:]), default=0)
    convolutions = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")
    channels = sum(
        len(g.tensors[i].scale)
        for g in model.graphs
        for o in g.operators
        if o.kind in convolutions
        for i in o.inputs[1:2]
        if len(g.tensors[i].scale) > 1
    )
    tensors = [t for g in model.graphs for t in g.tensors]
    operators = sum(len(g.operators) for g in model.graphs)
    if generation == "2020":
        # A whole TfLiteTensor and all scales and zero points of each tensor are copied into the arena.
        quantised = sum(16 + 8 * len(t.scale) for t in tensors if t.scale)
        book = 64 * len(tensors) + quantised + 8 * channels + 90 * operators
    else:
        book = 12 * len(tensors) + 8 * channels + 112 * operators
    base, each = _CODE.get((generation, kernels), _CODE["current", "reference"])
    arena = most + others + book
    code = base + each * len(model.op_kinds)
    return Estimate(most, at, arena, code, len(model.data) + code, arena + OTHER_RAM)
