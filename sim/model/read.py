"""From the bytes of a .tflite to a Model: structure first (flatbuffer), then sense (verify)."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from sim.errors import UsageError
from sim.model import Model, schema, verify
from sim.model.flatbuffer import Reader
from sim.model.macs import macs
from sim.model.names import Namer, converter_version
from sim.model.types import Graph, Operator, Tensor

_CONVERT = "convert the model to .tflite first: boardless convert"
# What people give by mistake, by its first bytes.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", f"this is a .keras file or another zip archive; {_CONVERT}"),
    (b"\x89HDF", f"this is an HDF5 (.h5) file; {_CONVERT}"),
    (b"version https://git-lfs", "this is a Git LFS pointer; fetch the file itself: git lfs pull"),
    (b"\x7fELF", "this is an ELF; firmware runs with: boardless run"),
    (b"\x1f\x8b", "this is a gzip archive; unpack it first"),
)


def read(data: bytes, name: str, path: Path | None) -> Model:
    """The Model in `data`, verified; raises UsageError with `name`, place and reason."""
    _identify(data, name)
    root = Reader(data, name, schema.TABLES, schema.UNIONS, schema.ENUMS).root("Model")
    buffers = _buffers(root, name)
    verify.header(root, name)
    metadata = {m["name"]: buffers[m["buffer"]] for m in root["metadata"] if m["buffer"] < len(buffers)}
    converter = converter_version(metadata.get("CONVERSION_METADATA", b""))
    graphs = tuple(_graph(root, buffers, index, name, converter) for index in range(len(root["subgraphs"])))
    return Model(
        data=data,
        path=path,
        name=path.stem if path else name,
        version=root["version"],
        description=root["description"],
        graphs=graphs,
        runtime=metadata.get("min_runtime_version", b"").split(b"\0")[0].decode("ascii", "replace"),
        converter=converter,
    )


def _identify(data: bytes, name: str) -> None:
    if not data:
        raise UsageError(f"{name}: the file is empty", hint="copy or convert it again")
    if data[4:8] == schema.IDENTIFIER.encode():
        return
    hint = next((text for start, text in _OTHERS if data.startswith(start)), "")
    if not hint and (b"unsigned char" in data[:4096] or b"alignas" in data[:4096]):
        hint = "this is C source; turn the array back into a file, or convert the model again"
    raise UsageError(
        f"{name}: not a .tflite: bytes 4 to 7 are {data[4:8]!r}, not {schema.IDENTIFIER.encode()!r}",
        hint=hint or "give a file that TensorFlow's TFLite converter wrote",
    )


def _buffers(root: dict[str, Any], name: str) -> tuple[bytes, ...]:
    out = []
    for index, buffer in enumerate(root["buffers"]):
        # Offsets 0 and 1 both mean "not there"; others point behind the flatbuffer (models over 2 GB).
        if buffer["offset"] > 1 or buffer["size"] > 1:
            raise UsageError(
                f"{name}: buffer {index} lies outside of the flatbuffer (at {buffer['offset']})",
                hint="no TFLM tree reads such models; convert a model under 2 GB",
            )
        out.append(bytes(buffer["data"]))
    return tuple(out)


def _graph(root: dict[str, Any], buffers: tuple[bytes, ...], index: int, name: str, converter: str) -> Graph:
    raw = root["subgraphs"][index]
    where = f"{name}: subgraph {index}" if len(root["subgraphs"]) > 1 else name
    verify.indices(raw, root, len(buffers), where)
    produced = {i for o in raw["operators"] for i in o["outputs"]} | set(raw["inputs"])
    tensors = tuple(_tensor(raw["tensors"], i, buffers, i in produced, where) for i in range(len(raw["tensors"])))
    namer = Namer([t.name for t in tensors], converter)
    operators = tuple(_operator(root, raw["operators"], i, tensors, namer) for i in range(len(raw["operators"])))
    graph = Graph(index, raw["name"], tensors, operators, raw["inputs"], raw["outputs"])
    verify.graph(graph, where)
    return graph


def _tensor(
    tensors: tuple[dict[str, Any], ...], index: int, buffers: tuple[bytes, ...], computed: bool, where: str
) -> Tensor:
    raw = tensors[index]
    quantization = raw["quantization"] or {"scale": (), "zero_point": (), "quantized_dimension": 0}
    dtype, bits = schema.TENSOR_TYPES[raw["type"]]
    data = buffers[raw["buffer"]]
    nbytes = (prod(raw["shape"]) * bits + 7) // 8
    constant = bool(data) or (not computed and nbytes == 0 and bits > 0)
    tensor = Tensor(
        index=index,
        name=raw["name"] or f"tensor {index}",
        shape=raw["shape"],
        dtype=dtype,
        scale=quantization["scale"],
        zero_point=quantization["zero_point"],
        quantized_dimension=quantization["quantized_dimension"],
        constant=constant,
        nbytes=len(data) if constant and (raw["sparsity"] or not bits) else nbytes,
        data=data if constant else None,
        variable=raw["is_variable"],
        sparse=raw["sparsity"] is not None,
        shape_signature=raw["shape_signature"],
    )
    verify.tensor(tensor, computed, where)
    return tensor


def _operator(
    root: dict[str, Any],
    operators: tuple[dict[str, Any], ...],
    index: int,
    tensors: tuple[Tensor, ...],
    namer: Namer,
) -> Operator:
    raw = operators[index]
    code = root["operator_codes"][raw["opcode_index"]]
    number = verify.operator_number(code)
    kind = schema.OPERATORS[number]
    table, options = raw["builtin_options"] or raw["builtin_options_2"] or ("", {})
    shapes = [tensors[i].shape if i >= 0 else None for i in raw["inputs"]]
    outputs = [tensors[i].shape for i in raw["outputs"]]
    constants = [tensors[i].name for i in raw["inputs"] if i >= 0 and tensors[i].constant]
    return Operator(
        index=index,
        kind=code["custom_code"] if kind == "CUSTOM" else kind,
        custom=kind == "CUSTOM",
        version=code["version"],
        inputs=raw["inputs"],
        outputs=raw["outputs"],
        options=options,
        macs=macs(kind, shapes, outputs, options),
        layer=namer.layer(kind, index, [tensors[i].name for i in raw["outputs"]], constants),
        options_table=table,
        code=number,
        short_code=code["deprecated_builtin_code"],
        custom_options=bytes(raw["custom_options"]),
    )
