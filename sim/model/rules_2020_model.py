"""The TFLM tree of July 2020: what its memory planner and its reader of the file refuse."""

from __future__ import annotations

from collections.abc import Iterator

from sim.model import Graph, Model
from sim.model.site import FULL_INT8, NEWER, Finding

_TYPES = {"float32", "int16", "int32", "uint8", "int8", "int64", "bool", "complex64"}


def whole(model: Model) -> Iterator[tuple[int, str, str, Finding]]:
    """What concerns the model as a whole: (operator index or -1, layer, kind, finding)."""
    if len(model.graphs) > 1:
        yield -1, "", "", ("it has several subgraphs (control flow); this tree of 2020 runs one", NEWER)
    graph = model.graphs[0]
    yield from _lifetimes(graph)
    for o in graph.operators:
        tensors = [graph.tensors[i] for i in (*o.inputs, *o.outputs) if i >= 0]
        strange = sorted({t.dtype for t in tensors} - _TYPES)
        if strange:
            yield (
                o.index,
                o.layer,
                o.kind,
                (f"tensors of {', '.join(strange)}: unknown to this tree of 2020", FULL_INT8),
            )
        # wrong: it reads the short field alone, and 0 there is ADD
        if o.code < 127 and o.short_code != o.code:
            yield o.index, o.layer, o.kind, ("its code stands only in a field younger than this tree of 2020", NEWER)


def _lifetimes(graph: Graph) -> Iterator[tuple[int, str, str, Finding]]:
    """The memory planner stops at a tensor that is made and never read, or listed and never used."""
    made = dict.fromkeys(graph.inputs, -1) | {i: o.index for o in graph.operators for i in o.outputs}
    read = {i for o in graph.operators for i in o.inputs} | set(graph.outputs)
    remedy = "leave it out of the model, or make it an output; or " + NEWER
    for t in graph.tensors:
        if t.constant or t.variable or t.index in read:
            continue
        if t.index not in made:
            yield -1, "", "", (f"tensor {t.index} ({t.name[:60]}) is listed, but no operator uses it", remedy)
        elif made[t.index] < 0:
            yield -1, "", "", (f"input {t.index} ({t.name[:60]}) is not used by any operator", remedy)
        else:
            o = graph.operators[made[t.index]]
            place = o.outputs.index(t.index)
            reason = f"its output {place} is not used by anything, which the memory planner of 2020 refuses"
            yield (
                o.index,
                o.layer,
                o.kind,
                (reason, "leave that part out of the model (LSTM, GRU: use Conv1D or SimpleRNN); or " + NEWER),
            )
