"""The part of the shared file with calls and executed code. Offsets are those of probe/functions.h."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from mmap import mmap

from sim.engines.protocol import CallNode, CodeBlock, Watch

NODES_MAX = 1 << 16
BLOCKS_MAX = 1 << 17
_AT = 1024
_AREA = struct.Struct("<IIIIIIIIIII")  # 44 bytes
_NODE = struct.Struct("<IIIIIIQQ")
_BLOCK = struct.Struct("<IIQ")
_CALLS, _CODE = 1, 2
_NONE = 0xFFFFFFFF


class FunctionsArea:
    """Where the probe notes calls and code; `start` is the offset in the file where there is room for them."""

    def __init__(self, watch: Watch | None, start: int) -> None:
        self._watch = watch or Watch()
        self._nodes_at = start
        self._blocks_at = start + (_NODE.size * NODES_MAX if self._watch.calls_of else 0)
        self.end = self._blocks_at + (_BLOCK.size * BLOCKS_MAX if self._watch.code else 0)

    def write(self, file: mmap, root: int | None) -> None:
        """Fill in the header. `root`: index of the symbol whose calls are watched."""
        on = _CALLS * bool(self._watch.calls_of) | _CODE * self._watch.code
        _AREA.pack_into(file, _AT, on, _NONE if root is None else root, self._nodes_at, NODES_MAX, 0,
                        self._blocks_at, BLOCKS_MAX, 0, 0, 0, 0)  # fmt: skip

    def lost(self, file: mmap) -> int:
        """Calls and blocks that found no room."""
        return int(_AREA.unpack_from(file, _AT)[8])

    def calls(self, file: mmap, names: Sequence[str]) -> list[CallNode]:
        """The tree of calls, callers before those they call; complete when the root does not run."""
        count = _AREA.unpack_from(file, _AT)[4]
        nodes = []
        for i in range(count):
            function, parent, _child, _sibling, ordinal, calls, instructions, cycles = _NODE.unpack_from(
                file, self._nodes_at + i * _NODE.size
            )
            name = names[function] if function < len(names) else ""
            nodes.append(CallNode(name, parent if i else -1, ordinal, calls, instructions, cycles))
        return nodes

    def code(self, file: mmap) -> list[CodeBlock]:
        """Executed blocks; one that was translated twice is there twice."""
        count = _AREA.unpack_from(file, _AT)[7]
        return [CodeBlock(*_BLOCK.unpack_from(file, self._blocks_at + i * _BLOCK.size)) for i in range(count)]
